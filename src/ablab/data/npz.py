"""Images of a user's own in an ``.npz`` file of numpy's.

It holds ``x_train`` and ``y_train``, may hold ``x_test``, ``y_test``, ``x_val`` and ``y_val``, and
may name its classes in ``class_names``. Images are uint8, (N, H, W) grey or (N, H, W, C) with one
or three channels, labels integers 0, 1, …, (N,). Pickled objects are never loaded.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ablab.data.image_set import Bytes, ImageSet
from ablab.data.pictures import Form, Labels, parted

PARTS = ("train", "val", "test")
_NAMES = {f"{kind}_{part}" for kind in "xy" for part in PARTS} | {"class_names"}


def image_set(
    path: Path,
    image_size: int | None,
    in_channels: int | None,
    *,
    resize: str,
    test_fraction: float,
    test_seed: int,
) -> ImageSet:
    """Return the set of a file; images are made to fit as those of class folders are.

    Args:
        path: absolute.
        image_size: None: that of the images, which then must be square.
        in_channels: None: that of the images.
        resize: see `Form`.
        test_fraction: see `parted`.
        test_seed: see `parted`.

    Raises:
        ValueError: the file is not like that.
    """
    with _opened(path) as arrays:
        parts = _parts(path, arrays)
        H, W, C = _shape(path, "x_train")
        if image_size is None and H != W:
            raise ValueError(
                f"image_size must be given for images that are not square, got {H}x{W}"
            )
        form = Form(image_size or H, in_channels or C, resize)
        names = _class_names(path, arrays, [arrays[f"y_{part}"] for part in parts])
    facts = path.stat()
    text = [str(path), facts.st_size, facts.st_mtime_ns, asdict(form), test_fraction, test_seed]
    return ImageSet(
        name="folder",
        in_channels=form.in_channels,
        image_size=form.image_size,
        class_names=names,
        fingerprint=hashlib.sha256(json.dumps(text).encode()).hexdigest()[:16],
        read=partial(_read, path, parts, form, test_fraction, test_seed),
        has_val="val" in parts,
    )


@contextmanager
def _opened(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            yield arrays
    except (OSError, zipfile.BadZipFile, EOFError, AttributeError, TypeError) as error:
        raise ValueError(f"path must be a whole .npz file, got {path}: {error}") from error


def _parts(path: Path, arrays: Mapping[str, Any]) -> tuple[str, ...]:
    names = set(arrays)
    parts = tuple(part for part in PARTS if names & {f"x_{part}", f"y_{part}"})
    wanted = {f"{kind}_{part}" for kind in "xy" for part in {*parts, "train"}}
    if not wanted <= names <= _NAMES:
        raise ValueError(
            "path must hold x_train and y_train, at the most x_ and y_ of val and test besides, "
            f"and class_names, got {', '.join(sorted(names))} in {path}"
        )
    for part in parts:
        shape, labels = _shape(path, f"x_{part}", whole=True), arrays[f"y_{part}"]
        if labels.shape != shape[:1] or labels.dtype.kind not in "iu" or not labels.size:
            raise ValueError(
                f"path must hold a whole number for each of {shape[0]} images in y_{part}, got "
                f"{labels.dtype} {labels.shape} in {path}"
            )
    return parts


def _shape(path: Path, name: str, whole: bool = False) -> tuple[int, ...]:
    """Return (H, W, C) of an array of images, or (N, H, W, C), by its header alone."""
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as stream:
        version = np.lib.format.read_magic(stream)
        formats = np.lib.format
        read = formats.read_array_header_1_0 if version == (1, 0) else formats.read_array_header_2_0
        shape, _, dtype = read(stream)
    full = (*shape, 1) if len(shape) == 3 else shape
    if len(full) != 4 or full[3] not in (1, 3) or dtype != np.uint8 or 0 in full:
        raise ValueError(
            f"path must hold uint8 images (N, H, W) or (N, H, W, 1 or 3) in {name}, got {dtype} "
            f"{shape} in {path}"
        )
    return full if whole else full[1:]


def _class_names(path: Path, arrays: Mapping[str, Any], labels: list[Labels]) -> tuple[str, ...]:
    low, high = min(int(y.min()) for y in labels), max(int(y.max()) for y in labels)
    names = tuple(str(n) for n in arrays["class_names"]) if "class_names" in arrays else ()
    names = names or tuple(map(str, range(high + 1)))
    trained = set(np.unique(arrays["y_train"]).tolist())
    if low < 0 or high >= len(names) or len(names) < 2 or len(trained) < len(names):
        raise ValueError(
            f"path must hold images of each of two or more classes 0, 1, … in y_train, got labels "
            f"{low} to {high}, {len(trained)} of them in y_train, and {len(names)} names in {path}"
        )
    return names


def _read(
    path: Path, parts: tuple[str, ...], form: Form, test_fraction: float, test_seed: int
) -> dict[str, Bytes]:
    arrays: dict[str, tuple[Bytes, Labels]] = {}
    with _opened(path) as found:
        for part in parts:
            labels = found[f"y_{part}"]
            kind = np.uint8 if labels.max() < 256 else np.int64
            arrays[part] = _fitted(found[f"x_{part}"], form), labels.astype(kind)
    return parted(arrays, test_fraction, test_seed)


def _fitted(images: Bytes, form: Form) -> Bytes:
    images = images[..., None] if images.ndim == 3 else images
    wanted = (form.image_size, form.image_size, form.in_channels)
    if images.shape[1:] == wanted:
        return images
    result = np.empty((len(images), *wanted), np.uint8)
    for row, image in enumerate(images):
        result[row] = form.of(Image.fromarray(image.squeeze(2) if image.shape[2] == 1 else image))
    return result
