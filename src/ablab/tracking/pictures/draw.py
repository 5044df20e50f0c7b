"""All pictures of one run, as PNG files."""

from collections.abc import Callable, Iterator
from pathlib import Path

from ablab.errors import InputError
from ablab.tracking.picture_data import read_calibration, read_filters, read_mistakes
from ablab.tracking.pictures.calibration import calibration_curve
from ablab.tracking.pictures.confusion import CONFUSION, confusion_matrix, read_confusion
from ablab.tracking.pictures.curves import learning_curves
from ablab.tracking.pictures.filters import filters_picture
from ablab.tracking.pictures.mistakes import mistakes_picture
from ablab.tracking.pictures.picture import Picture
from ablab.tracking.pictures.probes import probe_maps
from ablab.tracking.probes import read_probes
from ablab.tracking.run import Run

PICTURES = "pictures"  # folder among the artifacts of an MLflow run


def draw(run: Run, title: str, folder: Path) -> list[str]:
    """Draw the pictures that the run has data for, as PNG files in ``folder``.

    Data that cannot be read, such as of another version of ablab, leave a picture out.

    Args:
        run: finished or not.
        title: title of each picture.
        folder: exists.

    Returns:
        Their names, of ``learning_curves.png``, ``confusion_matrix.png``, ``mistakes.png``,
        ``calibration.png``, ``filters.png``, ``probes.png``.
    """
    drawn = []
    for name, make in _PICTURES.items():
        try:
            pictures = list(make(run, title))
        except InputError:
            continue
        for picture in pictures:
            picture.save(folder / name)
            drawn.append(name)
    return drawn


def _curves(run: Run, title: str) -> Iterator[Picture]:
    if epochs := [entry for entry in run.entries() if entry.kind == "epoch"]:
        yield learning_curves(epochs, title)


def _confusion(run: Run, title: str) -> Iterator[Picture]:
    if (run.folder / CONFUSION).is_file():
        names, counts = read_confusion(run.folder / CONFUSION)
        yield confusion_matrix(counts, names, title)


def _mistakes(run: Run, title: str) -> Iterator[Picture]:
    mistakes = read_mistakes(run.folder)
    if mistakes is not None and len(mistakes.images) and (run.folder / CONFUSION).is_file():
        names, _ = read_confusion(run.folder / CONFUSION)
        yield mistakes_picture(mistakes, names, title)


def _calibration(run: Run, title: str) -> Iterator[Picture]:
    if (table := read_calibration(run.folder)) is not None:
        yield calibration_curve(table, title)


def _filters(run: Run, title: str) -> Iterator[Picture]:
    if (filters := read_filters(run.folder)) is not None:
        yield filters_picture(filters, title)


def _probes(run: Run, title: str) -> Iterator[Picture]:
    if probes := read_probes(run.folder):
        yield probe_maps(probes, title)


_PICTURES: dict[str, Callable[[Run, str], Iterator[Picture]]] = {
    "learning_curves.png": _curves,
    "confusion_matrix.png": _confusion,
    "mistakes.png": _mistakes,
    "calibration.png": _calibration,
    "filters.png": _filters,
    "probes.png": _probes,
}
