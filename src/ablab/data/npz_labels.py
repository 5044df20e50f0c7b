"""The labels of an ``.npz`` file and the names of its classes, by stated rules."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablab.data.class_names import check_class_names, visible
from ablab.data.errors import DataError
from ablab.data.parted import Labels


def class_names(array: NDArray[Any] | None, place: str) -> tuple[str, ...] | None:
    """Return names of text or UTF-8 bytes, None where there are none.

    Args:
        array: ``class_names``, (K,).
        place: names the file, for messages.

    Raises:
        DataError: it is not like that.
    """
    if array is None:
        return None
    if array.ndim != 1 or array.dtype.kind not in "US":
        raise DataError(
            f"path must hold names as text (K,) in class_names, got {array.dtype} "
            f"{array.shape} in {place}"
        )
    return _texts(array, "class_names", place)


def read_labels(
    arrays: Mapping[str, NDArray[Any]], names: Sequence[str] | None, place: str
) -> tuple[dict[str, Labels], tuple[str, ...]]:
    """Return the labels 0, 1, … of each part, (N,), and the names of the classes.

    Labels are whole numbers of any type, (N,) or (N, 1); rows with one 1 among 0s, (N, K); or
    texts: then the classes are in the order of ``names``, or else of the alphabet.

    Args:
        arrays: of each part, by the array's name, that of training first.
        names: of the classes, or None: their numbers.
        place: names the file, for messages.

    Raises:
        DataError: they are nothing like that, or training lacks a class.
    """
    train = next(iter(arrays))
    if arrays[train].dtype.kind in "US":
        texts = {n: np.array(_texts(_column(y, n, place), n, place)) for n, y in arrays.items()}
        names = tuple(names or sorted(set(texts[train].tolist())))
        check_class_names(names, "dataset.path")
        labels = {name: _places(y, names, name, place) for name, y in texts.items()}
    else:
        labels = {name: _numbers(y, name, place) for name, y in arrays.items()}
        highest = min(int(labels[train].max()), len(labels[train]))  # else there is a gap
        names = tuple(names or map(str, range(highest + 1)))
        check_class_names(names, "dataset.path")
    for name, found in labels.items():
        _check_range(found, len(names), name, place, is_train=name == train)
    return labels, names


def _numbers(y: NDArray[Any], name: str, place: str) -> Labels:
    if y.dtype.kind not in "biuf":
        raise DataError(f"path must hold numbers or texts in {name}, got {y.dtype} in {place}")
    if y.dtype.kind == "f" and not bool((np.isfinite(y) & (y == np.floor(y))).all()):
        raise DataError(f"path must hold whole numbers in {name}, got others in {place}")
    if y.ndim == 2 and y.shape[1] > 1:
        if not bool((np.isin(y, (0, 1)).all(1) & (y.sum(1) == 1)).all()):
            raise DataError(
                f"path must hold one class an image in {name}: a number, or a row with one 1 "
                f"among 0s, got rows of other kinds, shape {y.shape}, in {place}"
            )
        found: Labels = y.argmax(1)
        return found
    return _column(y, name, place).astype(np.int64)


def _column(y: NDArray[Any], name: str, place: str) -> NDArray[Any]:
    column = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if column.ndim != 1 or not column.size:
        raise DataError(
            f"path must hold a label for each image, (N,) or (N, 1), in {name}, got {y.shape} "
            f"in {place}"
        )
    return column


def _texts(array: NDArray[Any], name: str, place: str) -> tuple[str, ...]:
    try:
        return tuple(t.decode() if isinstance(t, bytes) else str(t) for t in array.tolist())
    except UnicodeDecodeError as error:
        raise DataError(
            f"path must hold text or UTF-8 in {name}, got {error.object!r} in {place}"
        ) from error


def _places(y: NDArray[Any], names: Sequence[str], name: str, place: str) -> Labels:
    if strangers := sorted(set(y.tolist()) - set(names)):
        known = ", ".join(visible(n) for n in names[:10])
        raise DataError(
            f"path must hold in {name} the classes {known}, got {visible(strangers[0])} in {place}"
        )
    order = {text: number for number, text in enumerate(names)}
    return np.array([order[text] for text in y.tolist()], np.int64)


def _check_range(y: Labels, count: int, name: str, place: str, *, is_train: bool) -> None:
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= max(count, 2):
        raise DataError(
            f"path must hold in {name} labels from 0 to {count - 1}, one below the number of "
            f"classes without a gap, got {low} to {high} in {place}"
        )
    found = set(np.unique(y).tolist())
    if is_train and (len(found) < count or count < 2):
        missing = sorted(set(range(count)) - found)
        raise DataError(
            f"path must hold images of each of two or more classes in {name}, labels 0, 1, … "
            f"without a gap, got {low} to {high}, {_lacking(missing)}in {place}"
        )


def _lacking(missing: Sequence[int]) -> str:
    if not missing:
        return ""
    more = ", …" if len(missing) > 5 else ""
    hint = ": subtract 1 where they begin at 1, " if missing == [0] else " "
    return f"none of class {', '.join(map(str, missing[:5]))}{more}{hint}"
