"""A sweep's question as the plan stores it, with the default of every key."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ablab.bounds import TRIALS

Settings = Mapping[str, Any]
_ALWAYS = ("question", "kind", "metric", "goal", "baseline", "margin", "seeds")
_NAMED = ("variants", "blocks")
_TEXTS = ("question", "kind", "metric", "goal", "baseline", "unit", "curve", "curve_unit")


@dataclass(frozen=True)
class Spec:
    """Stores a sweep's question.

    Attributes:
        question: the sentence that the report answers.
        kind: one of `ablab.tracking.kinds.KINDS`.
        metric: the metric that is tested, such as ``test/accuracy``.
        goal: ``max`` or ``min``.
        baseline: name of a variant, or empty.
        margin: half the width of the equivalence region, in the metric's unit; equivalence only.
        target: validation accuracy in (0, 1); the first epoch that reaches it measures the speed.
        seeds: distinct, >= 0.
        variants: name to settings, in the order of the report.
        blocks: likewise; empty if nothing is repeated.
        tune: what was tuned before the comparison; sweeps do not set it yet.
        foreign: whether the runs are MLflow runs of others; only these use the keys below.
        unit: unit of the logged metric, see `ablab.report.formatting.unit_of`.
        curve: metric whose history is drawn.
        curve_unit: unit of ``curve``.
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
        """1 if higher is better, -1 if lower is."""
        return -1 if self.goal == "min" else 1

    def as_dict(self) -> dict[str, Any]:
        """Return it as a plan stores it; optional keys with their defaults are left out."""
        content: dict[str, Any] = {
            f.name: getattr(self, f.name)
            for f in fields(Spec)
            if f.name in _ALWAYS or getattr(self, f.name) != f.default
        }
        named = {key: {n: dict(s) for n, s in content[key].items()} for key in _NAMED}
        return {**content, "seeds": list(self.seeds), **named}


def read_spec(content: Mapping[str, Any]) -> Spec:
    """Return the question that a plan stores; a missing key has its default.

    Raises:
        TypeError: a value has the wrong type, or there are too many seeds.
    """
    known = {f.name for f in fields(Spec)}
    values = {key: value for key, value in content.items() if key in known and value is not None}
    for key in _NAMED:
        values[key] = {str(n): dict(s) for n, s in dict(values.get(key, {})).items()}
    seeds = values.get("seeds", ())
    if isinstance(seeds, int) and seeds > TRIALS.most:
        raise TypeError
    values["seeds"] = tuple(range(seeds) if isinstance(seeds, int) else seeds)
    if not all(isinstance(values.get(key, ""), str) for key in _TEXTS):
        raise TypeError
    if not all(isinstance(values.get(key, 0), int | float) for key in ("margin", "target")):
        raise TypeError
    return Spec(**values)
