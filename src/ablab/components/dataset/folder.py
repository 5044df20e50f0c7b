"""Images of the user's own: folders named by class, or an .npz file."""

from pathlib import Path
from typing import Literal

from ablab.data import class_folders, npz
from ablab.data.module import InMemoryDataModule
from ablab.data.pictures import Form
from ablab.data.tree import shown
from ablab.text import shown_name

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

    Decoded images are cached; a file that changes is read anew, and makes other trials. Where the
    data lie does not.

    Args:
        path: a folder of class folders, or of ``train``, ``test`` and ``val`` with these in each
            (see `ablab.data.class_folders`; further names in `ablab.data.splits`), or an
            ``.npz`` file (see `ablab.data.npz`); from the working folder.
        image_size: height and width that all images get, in pixels; unset, an .npz file's own.
        in_channels: 3, or 1 for grey; unset, 3, or an .npz file's own.
        resize: how they get it (see `ablab.data.pictures.Form`).
        test_fraction: share of each class that the test takes where there is no test part, (0, 1).
        test_seed: of that draw: not the trial's, so that all are tested alike.
        val_fraction: share of the training images that validation takes, in (0, 1); unset, 0.1,
            or the val part where there is one.
        split_seed: of that draw; unset, the trial's own seed.

    Raises:
        ValueError: a value is out of range, or there is nothing of the kind at ``path``.

    Source: ours; class folders as torchvision's ``ImageFolder`` takes them, file as Keras' data
    sets are published.
    """
    _check(image_size, in_channels, resize, test_fraction)
    place = Path(path or "").expanduser().resolve()
    if shown(place) != str(place):
        raise ValueError(f"path must be a name that can be written, got {shown(place)}")
    if path and place.suffix == ".npz" and place.is_file():
        image_set = npz.image_set(
            place,
            image_size,
            in_channels,
            resize=resize,
            test_fraction=test_fraction,
            test_seed=test_seed,
        )
    elif path and place.is_dir():
        if image_size is None:
            raise ValueError("image_size must be given for class folders, got None")
        form = Form(image_size, in_channels or 3, resize)
        image_set = class_folders.image_set(place, form, test_fraction, test_seed)
    else:
        got = shown_name(path)
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
