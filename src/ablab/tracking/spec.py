"""A sweep's question, as the plan holds it: the defaults of every key stand here, and only here."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

Settings = Mapping[str, Any]
_ALWAYS = ("question", "kind", "metric", "goal", "baseline", "margin", "seeds")
_NAMED = ("variants", "blocks")
_TEXTS = ("question", "kind", "metric", "goal", "baseline", "unit", "curve", "curve_unit")


@dataclass(frozen=True)
class Spec:
    """A question.

    Attributes:
        question: the sentence that the report answers.
        kind: one of `ablab.tracking.kinds.KINDS`.
        metric: the one that is tested, ``test/accuracy``.
        goal: ``max`` or ``min``.
        baseline: name of a variant, or empty.
        margin: half the width of what counts as equal, in the metric's unit; equivalence only.
        target: validation accuracy in (0, 1) whose first epoch tells the speed of learning.
        seeds: distinct, >= 0.
        variants: name to settings, in the order of the report.
        blocks: likewise; empty where nothing is repeated.
        tune: what was tuned before the comparison; nothing yet.
        foreign: whether others than ablab made the runs; the keys below are for these alone.
        unit: how the metric was logged, as `ablab.report.formatting.unit_of` takes it.
        curve: the metric that is drawn value by value.
        curve_unit: how it was logged.
    """

    question: str = ""
    kind: str = "versus_baseline"
    metric: str = "test/accuracy"
    goal: str = "max"
    baseline: str = ""
    margin: float | None = None
    target: float | None = None
    seeds: tuple[int, ...] = ()
    variants: Mapping[str, Settings] = field(default_factory=dict)
    blocks: Mapping[str, Settings] = field(default_factory=dict)
    tune: Any = None
    foreign: bool = False
    unit: str = ""
    curve: str = ""
    curve_unit: str = ""

    @property
    def direction(self) -> int:
        """1 where more is better, -1 where less is."""
        return -1 if self.goal == "min" else 1

    def as_dict(self) -> dict[str, Any]:
        """Return it as a plan's file holds it; a key that is off is left out of most."""
        found: dict[str, Any] = {
            f.name: getattr(self, f.name)
            for f in fields(Spec)
            if f.name in _ALWAYS or getattr(self, f.name) != f.default
        }
        named = {key: {n: dict(s) for n, s in found[key].items()} for key in _NAMED}
        return {**found, "seeds": list(self.seeds), **named}


def read_spec(content: Mapping[str, Any]) -> Spec:
    """Return the question that a plan's file holds; a key that is not there takes its default.

    Raises:
        TypeError: a value is of another type than its key's.
    """
    known = {f.name for f in fields(Spec)}
    found = {key: value for key, value in content.items() if key in known and value is not None}
    for key in _NAMED:
        found[key] = {str(n): dict(s) for n, s in dict(found.get(key, {})).items()}
    seeds = found.get("seeds", ())
    found["seeds"] = tuple(range(seeds) if isinstance(seeds, int) else seeds)
    if not all(isinstance(found.get(key, ""), str) for key in _TEXTS):
        raise TypeError
    if not all(isinstance(found.get(key, 0), int | float) for key in ("margin", "target")):
        raise TypeError
    return Spec(**found)
