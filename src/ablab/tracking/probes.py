"""The values of a run's probes: ``probes.csv`` in its folder."""

import math
from collections.abc import Mapping
from pathlib import Path

from ablab.errors import InputError
from ablab.tracking.csv_text import read_rows

PROBES = "probes.csv"
COLUMNS = ("epoch", "layer", "probe", "value")

ProbeValues = Mapping[str, Mapping[str, tuple[float, ...]]]
"""By probe, then by layer in forward order: one value per epoch, NaN if there is none."""


def read_probes(folder: Path) -> ProbeValues:
    """Return the values of a run's probes, empty without probes.

    Args:
        folder: the run's folder.

    Raises:
        InputError: the file is not a table of probes.
    """
    path = folder / PROBES
    if not path.is_file():
        return {}
    header, *rows = read_rows(path) or [[]]
    if tuple(header) != COLUMNS:
        raise InputError(f"{path} must start with {','.join(COLUMNS)}, got {','.join(header)}")
    table: dict[str, dict[str, dict[int, float]]] = {}
    try:
        for epoch, layer, probe, value in rows:
            table.setdefault(probe, {}).setdefault(layer, {})[int(epoch)] = float(value)
    except ValueError as error:
        raise InputError(f"{path} must be a table of probes, got: {error}") from error
    epochs = 1 + max((int(row[0]) for row in rows), default=-1)
    if epochs > len(rows):
        raise InputError(f"{path} must hold every epoch, got {epochs} in {len(rows)} rows")
    return {
        probe: {
            layer: tuple(values.get(epoch, math.nan) for epoch in range(epochs))
            for layer, values in layers.items()
        }
        for probe, layers in table.items()
    }
