"""Checks a data set without a trial: `ablab data verify NAME dataset.path=…`."""

from collections.abc import Sequence

from ablab.config.compose import compose
from ablab.config.validate import validate
from ablab.model import build


def check_data(dataset: str, overrides: Sequence[str] = ()) -> list[str]:
    """Read a data set and return its parts, classes, notes and unread files, a line each.

    Args:
        dataset: a component of the axis.
        overrides: as on the command line, ``dataset.path=photos``.

    Raises:
        ConfigError: with all faults of the overrides.
        DataError: the data set is missing, damaged or invalid.
    """
    config = compose([f"dataset={dataset}", *overrides]).resolved()
    validate(config)
    data = build.datamodule(config)
    data.prepare_data()
    data.check()
    counts = data.counts()
    images = ", ".join(f"{counts[f'{part}_images']:,} {part}" for part in ("train", "val", "test"))
    names = ", ".join(data.class_names[:20]) + (", …" if data.num_classes > 20 else "")
    return [
        f"ok  {images} images; {data.num_classes} classes: {names}",
        *(f"    {note}" for note in data.notes),
        *(f"    not read: {entry}" for entry in data.unread),
    ]
