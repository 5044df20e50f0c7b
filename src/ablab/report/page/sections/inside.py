"""Measurements of the probes inside the networks."""

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.probes import (
    MOST_SEEDS,
    PROBES,
    ProbeTables,
    final_mean,
    format_probe,
    measured,
    read_tables,
)
from ablab.report.page.context import Context
from ablab.report.page.figures.inside import epochs_figure, layers_figure
from ablab.report.page.sections.section import Item, Links, Section, TableItem, pictures
from ablab.report.page.table import Table
from ablab.tracking.probes import PROBES as FILE

NAME, TITLE = "inside", "Inside the networks"
TRIALS = "../../../trials"  # of the lab, from lab/sweeps/<sweep>/report
BY_LAYER = ("gradient_norm", "receptive_field")
BY_EPOCH = ("dead", "saturated", "input_drift", "update_ratio", "gradient_change")
CAPTION = (
    "Measured by probes on one batch of training images, the same for every variant. By layer: "
    "the gradient norm; if it falls towards the input, the first layers learn slowly. By epoch, "
    "as means over the layers: dead units do not respond to any image, saturated outputs are in "
    "the flat part of the activation, input drift is how far a layer's inputs moved since the "
    "previous epoch, and the update ratio is the size of a step relative to the weights. Lines "
    "are means over seeds, bands 95 % t intervals, or the range of two seeds."
)


def section(context: Context) -> Section:
    """Return the section on probes, one part per block; without parts if there were none."""
    return context.by_block(NAME, TITLE, lambda block, number: _items(context, block, number))


def _items(context: Context, comparison: Comparison, number: int) -> list[Item]:
    groups = {v: comparison.groups[v] for v in context.lines.variants if v in comparison.groups}
    inside, styles, prefix = read_tables(groups), context.style_indices, f"{NAME}-{number}-"
    probes = measured(inside)
    if not probes:
        return []
    figures = [
        layers_figure(inside, probe, styles, f"{prefix}{probe}-{epoch + 1}", epoch=epoch)
        for probe in BY_LAYER
        if probe in probes
        for epoch in (0, -1)
    ]
    figures += [
        epochs_figure(inside, probe, styles, f"{prefix}{probe}")
        for probe in BY_EPOCH
        if probe in probes and _shows(inside, probe)
    ]
    table = probes_table(inside, probes)
    many = any(len(group.rows) > MOST_SEEDS for group in groups.values())
    seeds = f"The first {MOST_SEEDS} seeds of each variant are used." if many else ""
    caption = " ".join(filter(None, (CAPTION, context.lines.note, seeds)))
    summary = "Probes at the last epoch, means over layers and seeds"
    files = [
        (f"{row.variant} · seed {row.seed}", f"{TRIALS}/{row.key}/{row.folder.name}/{FILE}")
        for variant in inside
        for row in groups[variant].rows[:MOST_SEEDS]
        if row.folder and (row.folder / FILE).is_file()
    ]
    links = Links(tuple(files), f"Values by epoch and layer: {FILE} of {len(files)} trials")
    return [*pictures(figures, caption), TableItem(table, "probes", summary), links]


def _shows(inside: ProbeTables, probe: str) -> bool:
    """Return whether any value is not zero; figures of zeros alone are left out."""
    return any(
        v for ts in inside.values() for t in ts for xs in t.get(probe, {}).values() for v in xs
    )


def probes_table(inside: ProbeTables, probes: list[str]) -> Table:
    """Return a table with one row per variant: each probe at the last epoch."""
    titles = [PROBES[probe].title for probe in probes]
    rows = [
        ((variant, *(format_probe(probe, final_mean(tables, probe)) for probe in probes)), "")
        for variant, tables in inside.items()
    ]
    return Table((), ("variant", *titles), tuple(rows)).without_empty_columns()
