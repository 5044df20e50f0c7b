"""The trials of one sweep in several labs, merged: each counts once, with the lab it is from.

A trial that two labs trained is one observation, however often it was trained: counting both would
be pseudo-replication, since they share the seed. Equal results, to the bit, count once. Different
ones are refused unless the caller decides that the lab named first counts, a rule that does not
look at the results.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ablab.errors import InputError
from ablab.formatting import join_words
from ablab.report.analysis.table import read_table
from ablab.report.analysis.trials import TRAINED, Row, in_order
from ablab.report.compare.inputs import is_same_run
from ablab.report.publish.labs import NamedLab
from ablab.tracking.completion import Completion, read_completion
from ablab.tracking.journal import same_metrics
from ablab.tracking.plan import Plan

_LISTED = 5
_PROGRESS = (*TRAINED, "running", "failed", "stopped", "damaged", "new", "absent")
_CONDITIONS = ("cpu", "gpu", "threads", "torch", "source_hash")
FIRST = "first"


@dataclass(frozen=True)
class Merged:
    """One cell in all labs.

    Attributes:
        rows: its row in each lab, in the order in which the labs were named.
        metric: the sweep's metric.
    """

    rows: Sequence[Row]
    metric: str

    @cached_property
    def chosen(self) -> Row:
        """The row that counts: the first trained one, else the one that got furthest."""
        row = min(self.rows, key=lambda row: _rank(row.outcome))
        return replace(row, lab="") if row.outcome == "absent" else row

    @cached_property
    def others(self) -> list[Row]:
        """The trained rows besides the one that counts."""
        return [row for row in self.rows if row.outcome in TRAINED and row.lab != self.chosen.lab]

    @cached_property
    def conflicts(self) -> dict[str, str]:
        """By lab, what is different in a trained row from the one that counts."""
        found = {row.lab: _difference(self.chosen, row, self.metric) for row in self.others}
        return {lab: text for lab, text in found.items() if text}

    @property
    def name(self) -> str:
        """The cell."""
        row = self.chosen
        return " · ".join(filter(None, (row.variant, f"seed {row.seed}", row.block)))

    @property
    def row(self) -> Row:
        """The row that counts, with a remark on conflicts."""
        remarks = [f"{lab} has another result: {text}" for lab, text in self.conflicts.items()]
        reason = "; ".join(filter(None, (self.chosen.reason, *remarks)))
        return replace(self.chosen, reason=reason)


def merge_rows(
    labs: Sequence[NamedLab], plan: Plan, conflicts: str = ""
) -> tuple[tuple[Row, ...], list[str]]:
    """Return the trials of a sweep in several labs, each once, and notices about them.

    Args:
        labs: in the order in which they count.
        plan: the merged plan.
        conflicts: ``first`` to count the result of the lab named first where results differ.

    Raises:
        InputError: two labs have different results of one trial, and ``conflicts`` is empty.
    """
    tables = [
        {(row.variant, row.seed, row.block): replace(row, lab=each.name) for row in table}
        for each in labs
        for table in [read_table(each.lab, plan)]
    ]
    metric = plan.spec.metric
    merged = [Merged([table[cell.id] for table in tables], metric) for cell in plan.cells]
    different = [cell for cell in merged if cell.conflicts]
    if different and conflicts != FIRST:
        raise InputError(_refusal(different))
    rows = in_order([cell.row for cell in merged], plan.spec)
    notices = [f"Merged from {len(labs)} labs: {join_words([each.name for each in labs])}."]
    return rows, [*notices, *_repeated(merged, different), *_confounded(rows)]


def _rank(outcome: str) -> int:
    place = _PROGRESS.index(outcome) if outcome in _PROGRESS else len(_PROGRESS)
    return 0 if outcome in TRAINED else place  # of two trained ones the first counts


def _difference(a: Row, b: Row, metric: str) -> str:
    """Return in what two trained rows differ; empty if their results are equal to the bit."""
    if is_same_run(a, b):
        return ""
    one, two = _completion(a), _completion(b)
    if one is None or two is None:
        return f"its record cannot be read in {a.lab if one is None else b.lab}"
    if one.outcome != two.outcome:
        return f"{two.outcome}, not {one.outcome}"
    if same_metrics(one.metrics, two.metrics):
        return ""
    names = [n for n in sorted(one.metrics.keys() | two.metrics.keys()) if _differs(one, two, n)]
    name = metric if metric in names else names[0]
    return f"{name} {two.metrics.get(name)}, not {one.metrics.get(name)}"


def _differs(a: Completion, b: Completion, name: str) -> bool:
    one, two = ({n: v for n, v in each.metrics.items() if n == name} for each in (a, b))
    return not same_metrics(one, two)


def _completion(row: Row) -> Completion | None:
    return None if row.folder is None else read_completion(row.folder)


def _refusal(different: Sequence[Merged]) -> str:
    lines = [
        f"{cell.name} (counted in {cell.chosen.lab}; {lab}: {text})"
        for cell in different
        for lab, text in cell.conflicts.items()
    ]
    more = f" and {len(lines) - _LISTED} more" if len(lines) > _LISTED else ""
    return (
        f"a trial must have one result in all labs that are merged, got different ones: "
        f"{'; '.join(lines[:_LISTED])}{more}. `--conflicts first` counts those of the lab that is "
        "named first, and marks them"
    )


def _repeated(merged: Sequence[Merged], different: Sequence[Merged]) -> list[str]:
    """Return notices on trials that several labs have."""
    equal = sum(bool(cell.others) for cell in merged) - len(different)
    notices = []
    if equal:
        notices.append(
            f"{_count(equal)} in several labs with results that are equal to the bit, and counted "
            "once."
        )
    if different:
        chosen = join_words(list(dict.fromkeys(cell.chosen.lab for cell in different)))
        gaps = [abs(r.value - cell.chosen.value) for cell in different for r in cell.others]
        notices.append(
            f"{_count(len(different))} in several labs with different results. Those of {chosen} "
            f"count, which was named first; the largest difference of {different[0].metric} is "
            f"{max(gaps):.4g}. The incomplete trials below list them."
        )
    return notices


def _count(number: int) -> str:
    return f"{number} trial is" if number == 1 else f"{number} trials are"


def _confounded(rows: Sequence[Row]) -> list[str]:
    """Return a notice where variants that are compared were trained under other conditions."""
    seeds: dict[tuple[str, int], dict[str, Mapping[str, object]]] = {}
    for row in rows:
        if row.outcome in TRAINED:
            own = {name: row.environment.get(name) for name in _CONDITIONS}
            seeds.setdefault((row.block, row.seed), {})[row.lab] = own
    mixed = [
        labs
        for labs in seeds.values()
        if any(own != next(iter(labs.values())) for own in labs.values())
    ]
    if not mixed:
        return []
    return [
        f"In {len(mixed)} of {len(seeds)} seeds the variants were trained in different labs, under "
        "other conditions: an effect of machine or versions would pass for one of the variants. "
        "Train all variants of a seed in one lab to exclude that."
    ]
