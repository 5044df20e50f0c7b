"""Two sides on a page, in Markdown and as a table."""

from pathlib import Path

from ablab.report.compare.change import Cell, Change
from ablab.report.compare.text import differing, notes, sentence
from ablab.report.formatting import NONE, p_value
from ablab.report.page.figures.differences import describe_intervals, differences_figure
from ablab.report.page.filling import fill
from ablab.report.page.tables import Table
from ablab.tracking.files import write_atomic

_UNSAFE = '/\\:*?"<>|%'
_LONGEST = 100


def change_table(change: Change) -> Table:
    """Return a row a variant and block; p stands there once nothing more is to come."""
    tests = ("Holm p",) if change.is_settled else ()
    columns = ("variant", "A", "B", "B − A", "95 % interval", *tests, "n", "shared")  # noqa: RUF001
    return Table((), columns, tuple((_cells(change, cell), "") for cell in change.cells))


def _cells(change: Change, cell: Cell) -> tuple[str, ...]:
    contrast, unit = cell.contrast, change.unit
    interval = unit.interval(contrast.interval) + " *" * contrast.is_unreliable
    p = p_value(contrast.p_holm) if contrast.n > 2 else NONE
    return (
        cell.label,
        *(unit.value(mean) for mean in cell.means),
        unit.bare(contrast.mean, signed=True),
        interval,
        *((p,) if change.is_settled else ()),
        str(contrast.n),
        str(len(cell.shared)),
    )


def place_of(change: Change) -> Path:
    """Return the folder of a change: beside the first sweep's report, named after both sides."""
    name = f"{change.a.name} with {change.b.name}"
    safe = "".join("_" if c in _UNSAFE or ord(c) < 32 else c for c in name)[:_LONGEST].strip(". ")
    return change.a.lab.sweep_folder(change.a.plan.sweep) / "compare" / safe


def write_change(change: Change, folder: Path) -> Path:
    """Write ``compare.html`` and ``compare.md`` into a folder, and return the first's path."""
    folder.mkdir(parents=True, exist_ok=True)
    contrasts = {cell.label: cell.contrast for cell in change.cells}
    content = {
        "change": change,
        "sentence": sentence(change),
        "notes": notes(change),
        "table": change_table(change),
        "differing": differing(change),
        "bars": describe_intervals(contrasts.values(), tested=change.is_settled),
        "unreliable": any(cell.contrast.is_unreliable for cell in change.cells),
        "figure": differences_figure(
            change.comparison, contrasts, "change", tested=change.is_settled
        ),
    }
    for form in ("md", "html"):
        write_atomic(folder / f"compare.{form}", fill(f"compare.{form}.j2", **content))
    return folder / "compare.html"
