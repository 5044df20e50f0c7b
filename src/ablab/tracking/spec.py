"""A sweep's question as the plan stores it, with the default of every key."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from typing import Any

from ablab.bounds import TRIALS
from ablab.formatting import join_all
from ablab.tracking.claim import Claim, read_claim
from ablab.tracking.tuning import check_tuning

Settings = Mapping[str, Any]
SPENDING = ("obrien_fleming", "pocock")  # `ablab.stats.sequential` has their functions
_ALWAYS = ("question", "kind", "metric", "goal", "baseline", "margin", "seeds")
_NAMED = ("variants", "blocks")
_TEXTS = ("question", "kind", "metric", "goal", "baseline", "unit", "curve", "curve_unit")


@dataclass(frozen=True)
class Looks:
    """Stores the looks of a sweep that trains as many seeds as its answer needs.

    Attributes:
        sizes: number of seeds at each look, growing.
        spending: one of `SPENDING`.
        futility: a contrast is given up if the predicted probability that the last look decides it
            is below this; None: never.
    """

    sizes: tuple[int, ...]
    spending: str
    futility: float | None

    def __str__(self) -> str:
        """Return the looks in a few words: ``first 5, then 10 and 20 (pocock, futility 0.1)``."""
        first, *then = map(str, self.sizes)
        futility = "no futility" if self.futility is None else f"futility {self.futility:g}"
        return f"first {first}, then {join_all(then)} ({self.spending}, {futility})"

    def next_after(self, seeds: int) -> int | None:
        """Return the size of the first look with more seeds, or None after the last one."""
        return next((size for size in self.sizes if size > seeds), None)


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
        looks: the looks at growing numbers of seeds, of which ``seeds`` are those so far; None if
            the number of seeds is fixed.
        variants: name to settings, in the order of the report.
        blocks: likewise; empty if nothing is repeated.
        tune: what was tuned before the comparison: how, and the values chosen (see
            `ablab.tracking.tuning`); None without tuning.
        claim: the claim of a textbook that the sweep tests, or None.
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
    looks: Looks | None = None
    variants: Mapping[str, Settings] = field(default_factory=dict)
    blocks: Mapping[str, Settings] = field(default_factory=dict)
    tune: Any = None
    claim: Claim | None = None
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
        if self.looks is not None:
            content["looks"] = {**vars(self.looks), "sizes": list(self.looks.sizes)}
        if self.claim is not None:
            content["claim"] = self.claim.as_dict()
        return {**content, "seeds": list(self.seeds), **named}


def _read_looks(content: Mapping[str, Any]) -> Looks:
    """Return the looks that a plan stores.

    Raises:
        TypeError: a key is missing, or a value has another type.
    """
    looks = Looks(**content)
    sizes = looks.sizes
    if not isinstance(sizes, list | tuple) or not all(type(size) is int for size in sizes):
        raise TypeError
    if not sizes or sizes[0] < 2 or any(a >= b for a, b in pairwise(sizes)):
        raise TypeError
    if looks.spending not in SPENDING or not isinstance(looks.futility, float | None):
        raise TypeError
    return replace(looks, sizes=tuple(sizes))


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
    if "looks" in values:
        values["looks"] = _read_looks(values["looks"])
    if not all(isinstance(values.get(key, ""), str) for key in _TEXTS):
        raise TypeError
    if not all(isinstance(values.get(key, 0), int | float) for key in ("margin", "target")):
        raise TypeError
    if "claim" in values:
        values["claim"] = read_claim(values["claim"])
    check_tuning(values.get("tune"))
    return Spec(**values)
