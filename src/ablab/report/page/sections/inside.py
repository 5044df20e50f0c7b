"""What happened inside the networks, where probes were on."""

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.probes import (
    MOST_SEEDS,
    PROBES,
    Inside,
    last,
    look_inside,
    measured,
    told,
)
from ablab.report.page.context import Context
from ablab.report.page.figures.inside import epochs_figure, layers_figure
from ablab.report.page.sections.chapter import Chapter, Item, Links, Shown, pictures
from ablab.report.page.tables import Table
from ablab.tracking.probes import PROBES as FILE

NAME, TITLE = "inside", "What happened inside"
TRIALS = "../../../trials"  # of the lab, from lab/sweeps/<sweep>/report
BY_LAYER = ("gradient_norm", "receptive_field")
BY_EPOCH = ("dead", "saturated", "input_drift", "update_ratio", "gradient_change")
CAPTION = (
    "What probes saw on one batch of training images, the same for every variant. By layer, the "
    "norm of the loss's gradient: where it falls towards the input, the first layers learn "
    "slowly. By epoch, means over the layers: dead units answer to no image, saturated outputs "
    "hardly move, drift is how far a layer's inputs moved since the epoch before, and the update "
    "ratio how large a step is beside the weights. Lines are means over seeds, bands 95 % t "
    "intervals from three seeds on."
)


def chapter(context: Context) -> Chapter:
    """Return it, a part a block; without parts where no trial was probed."""
    return context.by_block(NAME, TITLE, lambda block, number: _items(context, block, number))


def _items(context: Context, comparison: Comparison, number_: int) -> list[Item]:
    groups = {v: comparison.groups[v] for v in context.lines.variants if v in comparison.groups}
    inside, places, begin = look_inside(groups), context.places, f"{NAME}-{number_}-"
    probes = measured(inside)
    if not probes:
        return []
    figures = [
        layers_figure(inside, probe, places, f"{begin}{probe}-{epoch + 1}", epoch=epoch)
        for probe in BY_LAYER
        if probe in probes
        for epoch in (0, -1)
    ]
    figures += [
        epochs_figure(inside, probe, places, f"{begin}{probe}")
        for probe in BY_EPOCH
        if probe in probes and _shows(inside, probe)
    ]
    table = probes_table(inside, probes)
    many = any(len(group.rows) > MOST_SEEDS for group in groups.values())
    seeds = f"Of each variant, its first {MOST_SEEDS} seeds." if many else ""
    caption = " ".join(filter(None, (CAPTION, context.lines.note, seeds)))
    folded = "The probes at the last epoch, means over layers and seeds"
    tables = [
        (f"{row.variant} · seed {row.seed}", f"{TRIALS}/{row.key}/{row.folder.name}/{FILE}")
        for variant in inside
        for row in groups[variant].rows[:MOST_SEEDS]
        if row.folder and (row.folder / FILE).is_file()
    ]
    links = Links(
        tuple(tables), f"Their tables, by epoch and layer: {FILE} of {len(tables)} trials"
    )
    return [*pictures(figures, caption), Shown(table, "probes", folded=folded), links]


def _shows(inside: Inside, probe: str) -> bool:
    """Tell whether anything but zeros was found; the table has those."""
    return any(
        v for ts in inside.values() for t in ts for xs in t.get(probe, {}).values() for v in xs
    )


def probes_table(inside: Inside, probes: list[str]) -> Table:
    """Return a row a variant: each probe at the last epoch."""
    titles = [PROBES[probe].title for probe in probes]
    rows = [
        ((variant, *(told(probe, last(tables, probe)) for probe in probes)), "")
        for variant, tables in inside.items()
    ]
    return Table((), ("variant", *titles), tuple(rows)).told()
