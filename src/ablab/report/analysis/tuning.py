"""Tuning: what each search tried and found, and the same question at fixed hyper-parameters."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ablab.report.analysis.analysis import Analysis, analyze
from ablab.report.analysis.table import read_table
from ablab.stats.paired import Array
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Plan, read_plans
from ablab.tracking.search import SearchRecord
from ablab.tracking.tuning import chosen_by_cell


@dataclass(frozen=True, eq=False)
class Tuned:
    """The search of one variant in one block.

    Attributes:
        variant: its name.
        block: its name.
        chosen: ``values``, ``value``, ``edges``, ``importance``; None before its end.
        states: number of trials that ended in each state; empty where the record is missing.
        best: (trials,), best figure so far after each trial, NaN before the first that finished.
    """

    variant: str
    block: str
    chosen: Mapping[str, Any] | None
    states: Mapping[str, int]
    best: Array

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON; an unknown figure is None."""
        best = [None if math.isnan(value) else float(value) for value in self.best]
        own = {"variant": self.variant, "block": self.block, "states": dict(self.states)}
        return {**own, "chosen": self.chosen and dict(self.chosen), "best_so_far": best}


def tuned(plan: Plan) -> list[Tuned]:
    """Return the searches of a plan, in the order of its variants and blocks."""
    chosen = chosen_by_cell(plan.spec.tune)
    records = {(each.variant, each.block): each for each in plan.current_searches}
    names = dict.fromkeys((*chosen, *records))
    return [_tuned(name, chosen.get(name), records.get(name)) for name in names]


def _tuned(
    name: tuple[str, str], chosen: Mapping[str, Any] | None, record: SearchRecord | None
) -> Tuned:
    if record is None:
        return Tuned(*name, chosen, {}, np.array([]))
    states = Counter(asked.state for asked in record.told)
    return Tuned(*name, chosen or record.chosen, states, best_so_far(record))


def best_so_far(record: SearchRecord) -> Array:
    """Return the best figure of the finished trials after each trial that has ended.

    Returns:
        (trials,), NaN before the first that finished.
    """
    values = np.array([math.nan if a.value is None else a.value for a in record.told])
    if not values.size:
        return values
    is_lower_better = record.definition.get("goal") == "min"
    return (np.fmin if is_lower_better else np.fmax).accumulate(values)


def fixed_twin(lab: Lab, plan: Plan) -> Analysis | None:
    """Return the same comparison at fixed hyper-parameters, if the lab has one with a verdict.

    It has the same kind, metric, variants and blocks, and trials that differ in nothing but what
    was tuned.
    """
    if not chosen_by_cell(plan.spec.tune):
        return None
    for other in read_plans(lab)[0]:
        if _is_twin(plan, other):
            analysis = analyze(other, read_table(lab, other))
            if analysis.has_verdict:
                return analysis
    return None


def _is_twin(plan: Plan, other: Plan) -> bool:
    spec, fixed = plan.spec, other.spec
    same = ("kind", "metric", "goal", "baseline", "margin", "foreign")
    if fixed.tune or other.is_tuning or any(getattr(spec, k) != getattr(fixed, k) for k in same):
        return False
    if set(spec.variants) != set(fixed.variants) or set(spec.blocks) != set(fixed.blocks):
        return False
    trials = {cell.id: other.trials[cell.key] for cell in other.cells}
    shared = [cell for cell in plan.cells if cell.id in trials]
    keys = {name: each["values"] for name, each in chosen_by_cell(spec.tune).items()}
    return bool(shared) and all(
        _untuned(plan.trials[c.key], keys.get((c.variant, c.block), ()))
        == _untuned(trials[c.id], keys.get((c.variant, c.block), ()))
        for c in shared
    )


def _untuned(trial: Mapping[str, Any], keys: Any) -> dict[str, Any]:
    """Return what defines a trial, without the values of the tuned keys."""
    config = {k: v for k, v in trial["config"].items() if k not in trial.get("outside_key", ())}
    for key in keys:
        node, *path = key.split(".")
        if path and isinstance(config.get(node), Mapping):
            config[node] = _without(config[node], path)
        else:
            config.pop(node, None)
    return config


def _without(node: Mapping[str, Any], path: list[str]) -> dict[str, Any]:
    first, *rest = path
    if not rest:
        return {key: value for key, value in node.items() if key != first}
    return {k: _without(v, rest) if k == first else v for k, v in node.items()}
