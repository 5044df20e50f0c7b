"""A change as a table, as a page and in Markdown."""

from pathlib import Path

from ablab.formatting import NONE, format_p_value
from ablab.report.compare.change import Change, VariantChange
from ablab.report.compare.text import differing, notes, sentence
from ablab.report.page.figures.differences import describe_intervals, differences_figure
from ablab.report.page.filling import fill
from ablab.report.page.table import Table
from ablab.tracking.files import write_atomic

_UNSAFE = '/\\:*?"<>|%'
_MAX_NAME = 100


def change_table(change: Change) -> Table:
    """Return a table with one row per variant and block; with p once all trials are done."""
    tests = ("Holm p",) if change.is_settled else ()
    columns = ("variant", "A", "B", "B − A", "95 % interval", *tests, "n", "shared")  # noqa: RUF001
    return Table((), columns, tuple((_row(change, variant), "") for variant in change.variants))


def _row(change: Change, variant: VariantChange) -> tuple[str, ...]:
    contrast, unit = variant.contrast, change.unit
    interval = unit.interval(contrast.interval) + " *" * contrast.is_unreliable
    p = format_p_value(contrast.p_holm) if contrast.n > 2 else NONE
    return (
        variant.label,
        *(unit.value(mean) for mean in variant.means),
        unit.bare(contrast.mean, signed=True),
        interval,
        *((p,) if change.is_settled else ()),
        str(contrast.n),
        str(len(variant.shared)),
    )


def output_folder(change: Change) -> Path:
    """Return the folder of a change: beside A's report, named after both inputs."""
    name = f"{change.a.name} with {change.b.name}"
    safe = "".join("_" if c in _UNSAFE or ord(c) < 32 else c for c in name)[:_MAX_NAME].strip(". ")
    return change.a.lab.sweep_folder(change.a.plan.sweep) / "compare" / safe


def write_change(change: Change, folder: Path) -> Path:
    """Write ``compare.html`` and ``compare.md`` into a folder, and return the path of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    contrasts = {variant.label: variant.contrast for variant in change.variants}
    content = {
        "change": change,
        "sentence": sentence(change),
        "notes": notes(change),
        "table": change_table(change),
        "differing": differing(change),
        "bars": describe_intervals(contrasts.values(), tested=change.is_settled),
        "unreliable": any(contrast.is_unreliable for contrast in contrasts.values()),
        "figure": differences_figure(
            change.comparison, contrasts, "change", tested=change.is_settled
        ),
    }
    for form in ("md", "html"):
        write_atomic(folder / f"compare.{form}", fill(f"compare.{form}.j2", **content))
    return folder / "compare.html"
