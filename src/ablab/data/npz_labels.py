"""Labels and class names of an ``.npz`` file."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablab.data.class_names import check_class_names, quote
from ablab.data.errors import DataError
from ablab.data.holdout import Labels


def class_names(array: NDArray[Any] | None, path: str) -> tuple[str, ...] | None:
    """Return the class names, None where there are none.

    Args:
        array: ``class_names``, (K,), text or UTF-8 bytes.
        path: of the file, for messages.

    Raises:
        DataError: the array is of another shape or type.
    """
    if array is None:
        return None
    if array.ndim != 1 or array.dtype.kind not in "US":
        raise DataError(
            f"path must hold names as text (K,) in class_names, got {array.dtype} "
            f"{array.shape} in {path}"
        )
    return _texts(array, "class_names", path)


def read_labels(
    arrays: Mapping[str, NDArray[Any]], names: Sequence[str] | None, path: str
) -> tuple[dict[str, Labels], tuple[str, ...]]:
    """Return the labels 0, 1, … of each part, (N,), and the names of the classes.

    Labels are whole numbers of any type, (N,) or (N, 1); one-hot rows, (N, K); or text, with the
    classes in the order of ``names`` or, by default, in alphabetical order.

    Args:
        arrays: labels of each part by the array's name, training first.
        names: of the classes; None for their numbers.
        path: of the file, for messages.

    Raises:
        DataError: labels are of another kind, or a class has no training image.
    """
    train = next(iter(arrays))
    if arrays[train].dtype.kind in "US":
        texts = {n: np.array(_texts(_column(y, n, path), n, path)) for n, y in arrays.items()}
        names = tuple(names or sorted(set(texts[train].tolist())))
        check_class_names(names, "dataset.path")
        labels = {name: _indices(y, names, name, path) for name, y in texts.items()}
    else:
        labels = {name: _numbers(y, name, path) for name, y in arrays.items()}
        # No more classes than images: larger labels have a gap, which `_check_range` reports.
        highest = min(int(labels[train].max()), len(labels[train]))
        names = tuple(names or map(str, range(highest + 1)))
        check_class_names(names, "dataset.path")
    for name, y in labels.items():
        _check_range(y, len(names), name, path, is_train=name == train)
    return labels, names


def _numbers(y: NDArray[Any], name: str, path: str) -> Labels:
    if y.dtype.kind not in "biuf":
        raise DataError(f"path must hold numbers or texts in {name}, got {y.dtype} in {path}")
    if y.dtype.kind == "f" and not bool((np.isfinite(y) & (y == np.floor(y))).all()):
        raise DataError(f"path must hold whole numbers in {name}, got others in {path}")
    if y.ndim == 2 and y.shape[1] > 1:
        if not bool((np.isin(y, (0, 1)).all(1) & (y.sum(1) == 1)).all()):
            raise DataError(
                f"path must hold one class an image in {name}: a number, or a row with one 1 "
                f"among 0s, got rows of other kinds, shape {y.shape}, in {path}"
            )
        indices: Labels = y.argmax(1)
        return indices
    return _column(y, name, path).astype(np.int64)


def _column(y: NDArray[Any], name: str, path: str) -> NDArray[Any]:
    column = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if column.ndim != 1 or not column.size:
        raise DataError(
            f"path must hold a label for each image, (N,) or (N, 1), in {name}, got {y.shape} "
            f"in {path}"
        )
    return column


def _texts(array: NDArray[Any], name: str, path: str) -> tuple[str, ...]:
    try:
        return tuple(t.decode() if isinstance(t, bytes) else str(t) for t in array.tolist())
    except UnicodeDecodeError as error:
        raise DataError(
            f"path must hold text or UTF-8 in {name}, got {error.object!r} in {path}"
        ) from error


def _indices(y: NDArray[Any], names: Sequence[str], name: str, path: str) -> Labels:
    if unknown := sorted(set(y.tolist()) - set(names)):
        known = ", ".join(quote(n) for n in names[:10])
        raise DataError(
            f"path must hold in {name} the classes {known}, got {quote(unknown[0])} in {path}"
        )
    index = {text: number for number, text in enumerate(names)}
    return np.array([index[text] for text in y.tolist()], np.int64)


def _check_range(y: Labels, count: int, name: str, path: str, *, is_train: bool) -> None:
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= max(count, 2):
        raise DataError(
            f"path must hold in {name} labels from 0 to {count - 1}, one below the number of "
            f"classes without a gap, got {low} to {high} in {path}"
        )
    present = set(np.unique(y).tolist())
    if is_train and (len(present) < count or count < 2):
        missing = sorted(set(range(count)) - present)
        raise DataError(
            f"path must hold images of each of two or more classes in {name}, labels 0, 1, … "
            f"without a gap, got {low} to {high}, {_without(missing)}in {path}"
        )


def _without(missing: Sequence[int]) -> str:
    if not missing:
        return ""
    more = ", …" if len(missing) > 5 else ""
    hint = ": subtract 1 where they begin at 1, " if missing == [0] else " "
    return f"none of class {', '.join(map(str, missing[:5]))}{more}{hint}"
