"""A user's images: class folders, or an .npz file."""

from pathlib import Path
from typing import Literal

from ablab.data import class_folders, npz
from ablab.data.image_files import ImageFormat
from ablab.data.module import InMemoryDataModule
from ablab.data.tree import format_path
from ablab.text import format_name

_VAL_FRACTION = 0.1


def folder(
    path: str | None = None,
    image_size: int | None = None,
    in_channels: int | None = None,
    *,
    resize: Literal["crop", "stretch"] = "crop",
    test_fraction: float = 0.2,
    test_seed: int = 0,
    val_fraction: float | None = None,
    split_seed: int | None = None,
) -> InMemoryDataModule:
    """Return the images of a folder or file.

    Decoded images are cached. A changed file is read again and changes the trials' keys; the path
    of the data does not.

    Args:
        path: a folder of class folders, or of ``train``, ``test`` and ``val`` with these in each
            (see `ablab.data.class_folders`; further names in `ablab.data.folder_layout`), or an
            ``.npz`` file (see `ablab.data.npz`); relative to the working folder.
        image_size: height and width of all images after resizing, in pixels; None for those of an
            .npz file.
        in_channels: 3, or 1 for gray; None for 3, or those of an .npz file.
        resize: how images are resized (see `ablab.data.image_files.ImageFormat`).
        test_fraction: share of each class for testing where there is no test part, in (0, 1).
        test_seed: seed of that draw, not the trial's, so that all trials have the same test images.
        val_fraction: share of the training images for validation, in (0, 1); None for the val
            part, or else 0.1.
        split_seed: seed of that split; None for the trial's seed.

    Raises:
        ValueError: a value is out of range, or ``path`` is neither a folder nor an .npz file.

    Source: ours; class folders as in torchvision's ``ImageFolder``, arrays named as in Keras' data
    sets.
    """
    _check(image_size, in_channels, resize, test_fraction)
    full_path = Path(path or "").expanduser().resolve()
    if format_path(full_path) != str(full_path):
        raise ValueError(f"path must be a name that can be written, got {format_path(full_path)}")
    if path and full_path.suffix == ".npz" and full_path.is_file():
        image_set = npz.image_set(
            full_path,
            image_size,
            in_channels,
            resize=resize,
            test_fraction=test_fraction,
            test_seed=test_seed,
        )
    elif path and full_path.is_dir():
        if image_size is None:
            raise ValueError("image_size must be given for class folders, got None")
        form = ImageFormat(image_size, in_channels or 3, resize)
        image_set = class_folders.image_set(full_path, form, test_fraction, test_seed)
    else:
        got = format_name(path)
        raise ValueError(f"path must be a folder of class folders or an .npz file, got {got}")
    if val_fraction is None and not image_set.has_val:
        val_fraction = _VAL_FRACTION
    return InMemoryDataModule(image_set, val_fraction, split_seed)


def _check(
    image_size: int | None, in_channels: int | None, resize: str, test_fraction: float
) -> None:
    if image_size is not None and image_size < 1:
        raise ValueError(f"image_size must be >= 1, got {image_size}")
    if in_channels not in (None, 1, 3):
        raise ValueError(f"in_channels must be 1 or 3, got {in_channels}")
    if resize not in ("crop", "stretch"):
        raise ValueError(f"resize must be one of crop, stretch, got {resize}")
    if not 0 < test_fraction < 1:
        raise ValueError(
            f"test_fraction must be between 0 and 1, both excluded, got {test_fraction}"
        )
