"""The measurements of probes inside the networks of a block's variants."""

import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ablab.formatting import NONE, format_number
from ablab.report.analysis.grid import Group
from ablab.stats.paired import Array
from ablab.text import format_count
from ablab.tracking.probes import PROBES as PROBES_FILE
from ablab.tracking.probes import ProbeValues, read_probes

MOST_SEEDS = 20  # seeds of a variant that are read


class Probe(NamedTuple):
    """How a probe is shown: its title, whether in per cent, and whether on a logarithmic axis."""

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

ProbeTables = Mapping[str, Sequence[ProbeValues]]
"""By variant, the table of each trial; variants without probes are left out."""


def read_tables(groups: Mapping[str, Group]) -> ProbeTables:
    """Read the probes of the first seeds of each variant."""
    by_variant: dict[str, list[ProbeValues]] = {}
    for variant, group in groups.items():
        folders = [row.folder for row in group.rows if row.folder and row.curve]
        tables = [table for folder in folders[:MOST_SEEDS] if (table := read_probes(folder))]
        if tables:
            by_variant[variant] = tables
    return by_variant


def measured(tables: ProbeTables) -> list[str]:
    """Return the names of the probes that any trial has, in the order of `PROBES`."""
    names = {probe for own in tables.values() for table in own for probe in table}
    return [probe for probe in PROBES if probe in names]


def by_epoch(tables: Sequence[ProbeValues], probe: str) -> Array:
    """Return a probe's mean over the layers, (seeds, epochs); NaN where missing."""
    curves = [_mean(np.array([*table[probe].values()])) for table in tables if probe in table]
    values = np.full((len(curves), max(map(len, curves), default=0)), np.nan)
    for row, curve in zip(values, curves, strict=True):
        row[: len(curve)] = curve
    return values


def by_layer(tables: Sequence[ProbeValues], probe: str, epoch: int) -> Array:
    """Return a probe of each layer at an epoch (0 the first, -1 the last), (seeds, layers)."""
    tables = [table for table in tables if probe in table]
    count = max((len(table[probe]) for table in tables), default=0)
    values = np.full((len(tables), count), np.nan)
    for row, table in zip(values, tables, strict=True):
        own = [layer[epoch] for layer in table[probe].values()]
        row[: len(own)] = _finite(np.array(own))
    return values


def layers(tables: ProbeTables, probe: str) -> list[str]:
    """Return the names of the layers from the input on, or numbers if variants differ in them."""
    names = {tuple(t[probe]) for own in tables.values() for t in own if probe in t}
    if len(names) == 1:
        return list(names.pop())
    return [str(index + 1) for index in range(max(map(len, names), default=0))]


def final_mean(tables: Sequence[ProbeValues], probe: str) -> float:
    """Return a probe's mean over layers and seeds at the last epoch; NaN if there is none."""
    ends = [curve[~np.isnan(curve)][-1:] for curve in by_epoch(tables, probe)]
    return float(np.concatenate([np.empty(0), *ends]).mean()) if ends else np.nan


def format_probe(probe: str, x: float) -> str:
    """Return a value of a probe as text, shares in per cent."""
    if PROBES[probe].is_share:
        return NONE if math.isnan(x) else f"{format_number(100 * x, 1)} %"
    return format_number(x, 3)


def summary(folder: Path) -> list[str]:
    """Return the lines of `ablab show` on a run's probes: path, size, means at the last epoch.

    Args:
        folder: the folder of the run.

    Returns:
        An empty list if no probes were on.
    """
    path = folder / PROBES_FILE
    if not path.is_file():
        return []
    try:
        table = read_probes(folder)
    except (ValueError, OSError) as error:
        return [f"{path} cannot be read: {error}"]
    epochs = max((len(layer) for probe in table.values() for layer in probe.values()), default=0)
    count = max(map(len, table.values()), default=0)
    means = [
        f"{PROBES[p].title} {format_probe(p, final_mean([table], p))}" for p in PROBES if p in table
    ]
    size = f"{format_count(epochs, 'epoch')}, {format_count(count, 'layer')}"
    return [f"{path}: {size}; means over layers at the last:", *means]


def _mean(values: Array) -> Array:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice")
        means: Array = np.nanmean(_finite(values), axis=0)
        return means


def _finite(values: Array) -> Array:
    return np.where(np.isfinite(values), values, np.nan)
