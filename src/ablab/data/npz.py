"""A user's images in an ``.npz`` file.

It holds ``x_train`` and ``y_train``, and optionally ``x_test``, ``y_test``, ``x_val``, ``y_val``
and ``class_names``; or ``train_images``, ``train_labels`` and so on. Images are uint8, (N, H, W)
gray or (N, H, W, C) with one or three channels, of one shape in all parts; for labels see
`ablab.data.npz_labels`. Pickled objects are never loaded.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ablab.data.errors import DataError
from ablab.data.holdout import Labels, hold_out_test
from ablab.data.image_files import ImageFormat
from ablab.data.image_set import Bytes, ImageSet
from ablab.data.npz_file import Header, Shape, header, opened
from ablab.data.npz_labels import class_names, read_labels
from ablab.data.tree import format_path
from ablab.errors import InputError

PARTS = ("train", "val", "test")
_PATTERNS = (("x_{}", "y_{}"), ("{}_images", "{}_labels"))  # Keras' data sets, and MedMNIST's
_Names = Mapping[str, tuple[str, str]]  # names of a part's arrays of images and labels


def image_set(
    path: Path,
    image_size: int | None,
    in_channels: int | None,
    *,
    resize: str,
    test_fraction: float,
    test_seed: int,
) -> ImageSet:
    """Return the image set of a file.

    Args:
        path: absolute path.
        image_size: None for the images' own, which must then be square.
        in_channels: None for the images' own.
        resize: see `ImageFormat`.
        test_fraction: see `hold_out_test`.
        test_seed: see `hold_out_test`.

    Raises:
        InputError: the file does not have this structure.
    """
    with opened(path) as arrays:
        names = _names(set(arrays), format_path(path))
        H, W, C = _shape(path, arrays, names)
        if image_size is None and H != W:
            raise InputError(
                f"image_size must be given for images that are not square, got {H}x{W}"
            )
        form = ImageFormat(image_size or H, in_channels or C, resize)
        labels, classes = _labels(path, arrays, names)
    stat = path.stat()
    text = [str(path), stat.st_size, stat.st_mtime_ns, asdict(form), test_fraction, test_seed]
    missing = {p: len(classes) - len(np.unique(y)) for p, y in labels.items()}
    return ImageSet(
        name="folder",
        in_channels=form.in_channels,
        image_size=form.image_size,
        class_names=classes,
        fingerprint=hashlib.sha256(json.dumps(text).encode()).hexdigest()[:16],
        read=partial(_read, path, names, form, test_fraction, test_seed),
        has_val="val" in names,
        notes=tuple(f"The {p} part has no image of {n} classes." for p, n in missing.items() if n),
    )


def _names(given: set[str], path: str) -> _Names:
    """Return the names of each part's arrays."""
    for images, labels in _PATTERNS:
        pairs = {part: (images.format(part), labels.format(part)) for part in PARTS}
        parts = {part: pair for part, pair in pairs.items() if given & set(pair)}
        expected = {name for pair in parts.values() for name in pair}
        if "train" in parts and expected <= given <= expected | {"class_names"}:
            return parts
    raise DataError(
        "path must hold x_train and y_train, at the most x_ and y_ of val and test besides, and "
        "class_names, or train_images, train_labels and so on, got "
        f"{', '.join(sorted(given)) or 'nothing'} in {path}"
    )


def _shape(path: Path, arrays: Mapping[str, Any], names: _Names) -> Shape:
    """Return the shape (H, W, C) of the images of all parts."""
    shapes: dict[str, Shape] = {}
    for images, _ in names.values():
        head = header(path, images)
        if (fault := _fault(head)) or head.dtype != np.uint8:
            hint = fault or _conversion(arrays[images], images)
            raise DataError(
                f"path must hold uint8 images (N, H, W) or (N, H, W, 1 or 3) in {images}, got "
                f"{head.dtype} {head.shape}{hint} in {format_path(path)}"
            )
        shapes[images] = (*head.shape, 1)[1:4]
    first, shape = next(iter(shapes.items()))
    for name, other in shapes.items():
        if other != shape:
            raise DataError(
                f"path must hold images of one shape in all parts, got {shape} in {first} and "
                f"{other} in {name} in {format_path(path)}"
            )
    return shape


def _fault(head: Header) -> str:
    """Return what is wrong with a shape and how to fix it; empty for a valid shape."""
    shape = head.shape
    if len(shape) not in (3, 4) or 0 in shape:
        return ", which are not images: numpy.reshape(x, (-1, H, W)) may help,"
    if len(shape) == 3:
        return ""
    second, last = shape[1] in (1, 3), shape[3] in (1, 3)
    if second and last:
        return ", whose channels may be second or last: store gray images as (N, H, W)"
    if second:
        return ", whose channels are second: numpy.moveaxis(x, 1, -1) puts them last"
    return "" if last else f", which has {shape[3]} channels"


def _conversion(images: NDArray[Any], name: str) -> str:
    """Return how to convert images of another type to uint8, by the range of their values."""
    if images.dtype.kind == "b":
        return f": {name}.astype(numpy.uint8) * 255 converts it,"
    if images.dtype.kind not in "iuf" or not images.size:
        return ""
    low, high = float(images.min()), float(images.max())
    values = f", values {low:g} to {high:g}"
    if images.dtype.kind == "f" and low >= 0 and high <= 1:
        return f"{values}: numpy.round({name} * 255).astype(numpy.uint8) converts them,"
    if low >= 0 and high <= 255:
        return f"{values}: numpy.round({name}).astype(numpy.uint8) converts them,"
    return f"{values}: scale them to 0 … 255 and make them uint8,"


def _labels(
    path: Path, arrays: Mapping[str, Any], names: _Names
) -> tuple[dict[str, Labels], tuple[str, ...]]:
    """Return the labels of each part, and the names of the classes."""
    given, where = {}, format_path(path)
    for images, labels in names.values():
        count, head = header(path, images).shape[0], header(path, labels)
        if head.shape[:1] != (count,):
            raise DataError(
                f"path must hold a label for each of {count} images in {labels}, got "
                f"{head.dtype} {head.shape} in {where}"
            )
        given[labels] = arrays[labels]
    named = "class_names" in arrays and header(path, "class_names") is not None
    labels_of, classes = read_labels(
        given, class_names(arrays["class_names"] if named else None, where), where
    )
    return dict(zip(names, labels_of.values(), strict=True)), classes


def _read(
    path: Path, names: _Names, form: ImageFormat, test_fraction: float, test_seed: int
) -> dict[str, Bytes]:
    parts: dict[str, tuple[Bytes, Labels]] = {}
    with opened(path) as arrays:
        labels, classes = _labels(path, arrays, names)
        kind = np.uint8 if len(classes) <= 256 else np.int64
        for part, (images, _) in names.items():
            parts[part] = _convert(arrays[images], form), labels[part].astype(kind)
    return hold_out_test(parts, test_fraction, test_seed)


def _convert(images: Bytes, form: ImageFormat) -> Bytes:
    images = images[..., None] if images.ndim == 3 else images
    shape = (form.image_size, form.image_size, form.in_channels)
    if images.shape[1:] == shape:
        return images
    result = np.empty((len(images), *shape), np.uint8)
    for row, image in enumerate(images):
        result[row] = form.convert(
            Image.fromarray(image.squeeze(2) if image.shape[2] == 1 else image)
        )
    return result
