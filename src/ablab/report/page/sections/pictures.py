"""Links to the pictures of single trials."""

import os
from pathlib import Path

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.trials import Row
from ablab.report.page.context import Context
from ablab.report.page.sections.section import Item, Links, Section
from ablab.tracking.lab import Lab
from ablab.tracking.pictures.folder import picture_folder
from ablab.tracking.run import Run

NAME, TITLE = "pictures", "Pictures of single trials"
MOST_SEEDS = 2
_LINKED = ("mistakes", "confusion_matrix", "calibration", "filters")


def section(context: Context) -> Section:
    """Return the section of links, one part per block; without parts if no trial has pictures."""
    return context.by_block(NAME, TITLE, lambda block, _: _items(context, block))


def _items(context: Context, comparison: Comparison) -> list[Item]:
    """Return links to the pictures of the first seeds of the drawn variants."""
    groups = [comparison.groups[v] for v in context.lines.variants if v in comparison.groups]
    rows = [row for group in groups for row in group.rows[:MOST_SEEDS]]
    links = [link for row in rows if row.folder is not None for link in _links(row, row.folder)]
    summary = f"Confident mistakes, confusion matrix and more: the first {MOST_SEEDS} seeds"
    return [Links(tuple(links), summary)] if links else []


def _links(row: Row, run: Path) -> list[tuple[str, str]]:
    lab = run.parents[2]
    folder = picture_folder(Lab(lab), Run(run))
    if folder is None:
        return []
    shown = os.path.relpath(folder, lab)
    label = f"{row.variant} · seed {row.seed}"
    return [
        (f"{label}: {name.replace('_', ' ')}", f"../../../{shown}/{name}.png")
        for name in _LINKED
        if (folder / f"{name}.png").is_file()
    ]
