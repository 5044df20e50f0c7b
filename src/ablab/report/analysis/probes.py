"""What the probes found inside the networks of a block's variants."""

import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ablab.report.analysis.grid import Group
from ablab.report.formatting import NONE, number
from ablab.stats.paired import Array
from ablab.tracking.probes import PROBES as PROBES_FILE
from ablab.tracking.probes import ProbeValues, read_probes

MOST_SEEDS = 20


class Probe(NamedTuple):
    """How a probe is shown: its name in words, whether per cent, and whether by powers of ten."""

    title: str
    is_share: bool = False
    is_logarithmic: bool = False


PROBES: Mapping[str, Probe] = {
    "gradient_norm": Probe("gradient norm", is_logarithmic=True),
    "dead": Probe("dead units", is_share=True),
    "saturated": Probe("saturated outputs", is_share=True),
    "sparsity": Probe("outputs that are zero", is_share=True),
    "input_drift": Probe("input drift", is_logarithmic=True),
    "update_ratio": Probe("update ratio", is_logarithmic=True),
    "weight_norm": Probe("weight norm"),
    "activation_mean": Probe("activation mean"),
    "activation_variance": Probe("activation variance", is_logarithmic=True),
    "gradient_change": Probe("gradient change", is_logarithmic=True),
    "gradient_cosine": Probe("gradient cosine"),
    "receptive_field": Probe("receptive field, pixels"),
}

Inside = Mapping[str, Sequence[ProbeValues]]
"""By variant, what was found in each trial; variants without probes are left out."""


def look_inside(groups: Mapping[str, Group]) -> Inside:
    """Return what the probes of these variants found, of their first seeds where there are many."""
    found: dict[str, list[ProbeValues]] = {}
    for variant, group in groups.items():
        folders = [row.folder for row in group.rows if row.folder and row.curve]
        tables = [table for folder in folders[:MOST_SEEDS] if (table := read_probes(folder))]
        if tables:
            found[variant] = tables
    return found


def measured(inside: Inside) -> list[str]:
    """Return the names of the probes that any trial has, in the order of `PROBES`."""
    names = {probe for tables in inside.values() for table in tables for probe in table}
    return [probe for probe in PROBES if probe in names]


def by_epoch(tables: Sequence[ProbeValues], probe: str) -> Array:
    """Return a probe's mean over the layers, (seeds, epochs), NaN where there is none."""
    curves = [_mean(np.array([*table[probe].values()])) for table in tables if probe in table]
    found = np.full((len(curves), max(map(len, curves), default=0)), np.nan)
    for line, curve in zip(found, curves, strict=True):
        line[: len(curve)] = curve
    return found


def by_layer(tables: Sequence[ProbeValues], probe: str, epoch: int) -> Array:
    """Return a probe of each layer, (seeds, layers), at an epoch (0 the first, -1 the last)."""
    tables = [table for table in tables if probe in table]
    count = max((len(table[probe]) for table in tables), default=0)
    found = np.full((len(tables), count), np.nan)
    for line, table in zip(found, tables, strict=True):
        values = [layer[epoch] for layer in table[probe].values()]
        line[: len(values)] = _finite(np.array(values))
    return found


def layers(inside: Inside, probe: str) -> list[str]:
    """Return the names of the layers from the input on, or numbers where variants differ."""
    found = {tuple(t[probe]) for tables in inside.values() for t in tables if probe in t}
    if len(found) == 1:
        return list(found.pop())
    return [str(place + 1) for place in range(max(map(len, found), default=0))]


def last(tables: Sequence[ProbeValues], probe: str) -> float:
    """Return a probe's mean over layers and seeds at the last epoch, NaN for none."""
    ends = [curve[~np.isnan(curve)][-1:] for curve in by_epoch(tables, probe)]
    return float(np.concatenate([np.empty(0), *ends]).mean()) if ends else np.nan


def told(probe: str, x: float) -> str:
    """Return a probe's figure as it is written: shares in per cent."""
    if PROBES[probe].is_share:
        return NONE if math.isnan(x) else f"{number(100 * x, 1)} %"
    return number(x, 3)


def summary(folder: Path) -> list[str]:
    """Return what the probes of a run found, in lines, and where; nothing where none were on.

    Args:
        folder: the run's.
    """
    path = folder / PROBES_FILE
    if not path.is_file():
        return []
    try:
        found = read_probes(folder)
    except (ValueError, OSError) as error:
        return [f"{path} cannot be read: {error}"]
    epochs = max((len(layer) for table in found.values() for layer in table.values()), default=0)
    count = max(map(len, found.values()), default=0)
    shown = [f"{PROBES[p].title} {told(p, last([found], p))}" for p in PROBES if p in found]
    size = f"{epochs} epoch{'s' * (epochs != 1)}, {count} layer{'s' * (count != 1)}"
    return [f"{path}: {size}; means over layers at the last:", *shown]


def _mean(values: Array) -> Array:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice")
        means: Array = np.nanmean(_finite(values), axis=0)
        return means


def _finite(values: Array) -> Array:
    return np.where(np.isfinite(values), values, np.nan)
