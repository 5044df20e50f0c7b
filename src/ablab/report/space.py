"""The disk space of a lab as tables."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from ablab.formatting import format_size
from ablab.text import escape_controls
from ablab.tracking.delivery_state import is_delivered
from ablab.tracking.files import DamagedError
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.tracking.sweep_run import describe_trial
from ablab.tracking.usage import Usage


def sweep_table(usage: Usage) -> Table:
    """Return the space of each sweep's trials, the largest first, and of everything else.

    A trial of several sweeps counts in each of them, and once in the whole lab.
    """
    groups = {plan.sweep: usage.by_size(plan.keys) for plan in usage.plans}
    groups |= {"in no plan": usage.unplanned} if usage.unplanned else {}
    sizes = {name: sum(usage.trials[key] for key in keys) for name, keys in groups.items()}
    table = _table("sweep", "trials", "size")
    for name in sorted(groups, key=lambda name: -sizes[name]):
        _add_row(table, name, str(len(groups[name])), sizes[name])
    for name, size in sorted(usage.other.items(), key=lambda item: -item[1]):
        _add_row(table, name, "", size)
    _add_row(table, "the whole lab", str(len(usage.trials)), usage.total)
    return table


def trial_table(lab: Lab, usage: Usage, keys: Sequence[str]) -> Table:
    """Return the space of trials, with what they are and whether MLflow has them."""
    table = _table("key", "trial", "runs", "state", "in MLflow", "size")
    for key in keys:
        runs = lab.runs(key)
        run = lab.finished(key) or next(reversed(runs), None)
        state, delivered = ("absent", False) if run is None else (run.status(), is_delivered(run))
        what = _planned(usage, key) or (_name(run) if run else "")
        words = (what, str(len(runs)), state, "yes" if delivered else "no")
        _add_row(table, key, *words, usage.trials[key])
    return table


def _planned(usage: Usage, key: str) -> str:
    """Return where a trial is planned: ``demo: relu · seed 3``; empty if it is nowhere."""
    cells = (
        f"{plan.sweep}: {cell.label}"
        for plan in usage.plans
        if key in plan.keys
        for cell in plan.all_cells
        if cell.key == key
    )
    return ", ".join(cells)


def _name(run: Run) -> str:
    try:
        return describe_trial(run.trial)[0]
    except DamagedError:
        return ""


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in columns:
        is_number = name in ("trials", "runs", "size")
        table.add_column(name, justify="right" if is_number else "left", overflow="fold")
    return table


def _add_row(table: Table, *cells: str | int) -> None:
    """Add a row; its last cell is in bytes."""
    *texts, size = cells
    table.add_row(*(Text(escape_controls(str(text))) for text in texts), format_size(int(size)))
