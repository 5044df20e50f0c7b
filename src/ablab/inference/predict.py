"""Classes of image files, decoded by the code that reads training images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ablab.data.folder_layout import unread_note
from ablab.data.image_files import ImageFormat, decode_readable, refuse_unreadable
from ablab.data.tree import Scan, format_path
from ablab.errors import InputError
from ablab.inference.trained_model import TrainedModel

_BATCH = 250  # images, as in training's tests


@dataclass(frozen=True)
class Prediction:
    """The most probable class of an image.

    Attributes:
        file: path of the image; within a given folder, relative to it, with the folder's name.
        label: name of the class.
        probability: its softmax, 0 to 1.
    """

    file: str
    label: str
    probability: float


@dataclass(frozen=True)
class Images:
    """The image files that were given, and what was left out.

    Attributes:
        files: paths.
        unread: a sentence for each folder with entries that are not read as images.
    """

    files: tuple[Path, ...]
    unread: tuple[str, ...]


def find_images(paths: Sequence[Path]) -> Images:
    """Return the given files, and all files in given folders and their subfolders.

    Documents and hidden entries of a folder are left out, and listed; a file that is given by
    itself is never left out.

    Raises:
        InputError: a path does not exist, a folder holds no image, or a file is given twice.
        DataError: an entry of a folder cannot be read.
    """
    files: list[Path] = []
    unread: list[str] = []
    for path in paths:
        if path.is_dir():
            scan = Scan(path.resolve())
            found = [path / file.path.relative_to(scan.root.path) for file in scan.root.all_files()]
            if not found:
                raise InputError(f"images must be in the folder, got none in {format_path(path)}")
            files += found
            unread += filter(None, [unread_note(scan.root.path, scan.unread)])
        elif path.is_file():
            files.append(path)
        else:
            raise InputError(f"images must be files or folders, got {format_path(path)}")
    seen: set[Path] = set()
    for path in files:
        if (resolved := path.resolve()) in seen:
            raise InputError(f"images must be given once each, got {format_path(path)} twice")
        seen.add(resolved)
    return Images(tuple(files), tuple(unread))


def image_format(model: TrainedModel, config: Mapping[str, Any]) -> ImageFormat:
    """Return the format that image files are converted to, as those of the trial's own data were.

    Raises:
        InputError: the trial's data were prepared by the user's code, which ablab cannot repeat.
    """
    if model.preprocessing is None:
        raise InputError(
            "trial must have data that ablab reads itself, got a LightningDataModule of your own, "
            "which prepares its images by its own code; ablab.load gives its network"
        )
    resize = config["dataset"].get("resize", "crop")
    return ImageFormat(model.image_size, model.in_channels, resize)


def describe_conversion(form: ImageFormat) -> str:
    """Return a sentence on how image files are converted."""
    how = {"crop": "the shorter side is resized and the center cropped", "stretch": "stretched"}
    color = "gray" if form.in_channels == 1 else "red, green and blue"
    size = form.image_size
    return f"Images become {size} × {size} pixels, {color}; of other sizes {how[form.resize]}."


def predict(model: TrainedModel, files: Sequence[Path], form: ImageFormat) -> list[Prediction]:
    """Return the most probable class of each image file, in the given order.

    Raises:
        DataError: files are not readable images; lists all of them, before any prediction is used.
    """
    faults: list[str] = []
    predictions: list[Prediction] = []
    for start in range(0, len(files), _BATCH):
        part = files[start : start + _BATCH]
        images, wrong = decode_readable(part, form)
        faults += wrong
        if faults:  # the rest is decoded for its faults alone
            continue
        best, labels = model.probabilities(torch.from_numpy(images)).max(1)
        predictions += [
            Prediction(str(path), model.class_names[k], round(p, 6))
            for path, k, p in zip(part, labels.tolist(), best.tolist(), strict=True)
        ]
    refuse_unreadable("every file", faults, len(files))
    return predictions
