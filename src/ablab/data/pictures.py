"""Image files and arrays of a user's own, brought to one form."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ablab import streams
from ablab.data.errors import DataError
from ablab.data.image_set import Bytes

Labels = NDArray[np.integer]
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")

_TOLD = 20  # unreadable files that are named


@dataclass(frozen=True)
class Form:
    """What every image becomes.

    Attributes:
        image_size: height and width, in pixels.
        in_channels: 1, grey by the weights of ITU-R 601, or 3, red, green and blue.
        resize: ``"crop"``: the shorter side becomes ``image_size`` and the middle is cut out;
            ``"stretch"``: both sides do. Bilinear, and averaging where an image becomes smaller.
    """

    image_size: int
    in_channels: int
    resize: str

    def of(self, image: Image.Image) -> Bytes:
        """Return an image in this form, (H, W, C); transparency is left out.

        Raises:
            ValueError: it has more than 8 bits a channel.
        """
        if image.mode[0] in "IF":
            raise ValueError(f"it must have 8 bits a channel, got mode {image.mode}")
        if "transparency" in image.info:
            image = image.convert("RGBA")
        image = image.convert("L" if self.in_channels == 1 else "RGB")
        size = self.image_size, self.image_size
        if self.resize == "crop":
            image = ImageOps.fit(image, size, Image.Resampling.BILINEAR)
        else:
            image = image.resize(size, Image.Resampling.BILINEAR)
        return np.asarray(image).reshape(*size, self.in_channels)


def decoded(files: Sequence[Path], form: Form) -> Bytes:
    """Return the images of all files, (N, H, W, C), turned as their camera says (EXIF).

    Raises:
        DataError: names all files that are no readable images.
    """
    images = np.empty((len(files), form.image_size, form.image_size, form.in_channels), np.uint8)
    faults = []
    for row, path in enumerate(files):
        try:
            images[row] = _opened(path, form)
        # A broken file can raise nearly anything in a decoder.
        except Exception as error:
            faults.append(f"{path}: {error}")
    if faults:
        more = [f"and {len(faults) - _TOLD} more"] if len(faults) > _TOLD else []
        lines = "\n  ".join([*faults[:_TOLD], *more])
        raise DataError(
            f"every file in a class folder must be a readable image ({', '.join(FORMATS)}), got "
            f"{len(faults)} of {len(files)} that are not:\n  {lines}"
        )
    return images


def _opened(path: Path, form: Form) -> Bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path, formats=FORMATS) as image:
            return form.of(ImageOps.exif_transpose(image))


def parted(
    parts: Mapping[str, tuple[Bytes, Labels]], test_fraction: float, test_seed: int
) -> dict[str, Bytes]:
    """Return the arrays of an image set; a test part is taken out of the training part if need be.

    That takes the same share of each class, at least one image, drawn from ``test_seed`` alone,
    so that all trials are tested on the same images.

    Args:
        parts: images and labels of ``train``, and of ``val`` and ``test`` where they exist.
        test_fraction: share of each class, in (0, 1).
        test_seed: of the draw.

    Raises:
        DataError: a class has no image left to train on.
    """
    parts = dict(parts)
    if "test" not in parts:
        images, labels = parts["train"]
        is_test = _drawn(labels, test_fraction, test_seed)
        parts["train"] = images[~is_test], labels[~is_test]
        parts["test"] = images[is_test], labels[is_test]
    arrays = {f"{part}_images": images for part, (images, _) in parts.items()}
    labels_of = {f"{part}_labels": labels for part, (_, labels) in parts.items()}
    return arrays | cast(
        "dict[str, Bytes]", labels_of
    )  # those of many classes are wider than a byte


def _drawn(labels: Labels, fraction: float, seed: int) -> NDArray[np.bool_]:
    is_test = np.zeros(len(labels), np.bool_)
    for label in np.unique(labels).tolist():
        places = np.flatnonzero(labels == label)
        num_test = max(1, round(fraction * len(places)))
        if num_test == len(places):
            raise DataError(
                "dataset.test_fraction must leave each class an image to train on, "
                f"got {fraction} of {len(places)} of class {label}"
            )
        rng = np.random.Generator(np.random.PCG64(streams.derive(seed, "test", label)))
        is_test[rng.permutation(places)[:num_test]] = True
    return is_test
