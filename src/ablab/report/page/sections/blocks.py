"""Many blocks: ranks, critical differences, and the differences of each block."""

from collections.abc import Sequence
from dataclasses import replace

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.ranks import Ranks
from ablab.report.formatting import NONE, p_value
from ablab.report.page.context import MOST_TABLED_BLOCKS, Context, choose
from ablab.report.page.figures.blocks import blocks_figure
from ablab.report.page.figures.ranks import MOST_RANKED, ranks_figure
from ablab.report.page.sections.chapter import Chapter, Item, Note, Shown, pictures, whole
from ablab.report.page.tables import Table

NAME, TITLE = "blocks", "Blocks and ranks"
MOST_VARIANTS = 12


def chapter(context: Context) -> Chapter:
    """Return it; without parts where there is but one block."""
    if len(context.analysis.blocks) < 2 or context.main.reference is None:
        return whole(NAME, TITLE, ())
    items = [*_blocks(context), *(_ranks(context.analysis.ranks) if context.analysis.ranks else ())]
    return whole(NAME, TITLE, items)


def _blocks(context: Context) -> list[Item]:
    reference = str(context.main.reference)
    found = [(b, against(b, reference)) for b in context.analysis.blocks]
    chosen = choose(context.main, MOST_VARIANTS + 1)
    variants = [v for v in chosen.variants if v != reference]
    svg = blocks_figure(found, variants, reference, NAME)
    caption = (
        f"Mean difference to {reference} in each block, with its 95 % interval where there are "
        "few; beyond, an open dot is a block and the solid mark their mean. "
    ) + chosen.note
    shown = pictures([svg], caption.strip())
    count = f"Differences to {reference} of {len(found[:MOST_TABLED_BLOCKS])} blocks"
    table = blocks_table(found[:MOST_TABLED_BLOCKS], variants, tested=context.tested)
    return [*shown, Shown(table, "blocks", folded=count)]


def against(comparison: Comparison, reference: str) -> dict[str, Contrast]:
    """Return each other variant's contrast with a reference, turned round where need be."""
    found = {}
    for contrast in comparison.family:
        if contrast.reference == reference:
            found[contrast.variant] = contrast
        elif contrast.variant == reference:
            found[contrast.reference] = replace(
                contrast,
                variant=contrast.reference,
                reference=reference,
                differences=-contrast.differences,
                converged=-contrast.converged,
                uncounted=contrast.uncounted[::-1],
            )
    return found


def blocks_table(
    blocks: Sequence[tuple[Comparison, dict[str, Contrast]]],
    variants: Sequence[str],
    *,
    tested: bool,
) -> Table:
    """Return a row a variant and block: difference, interval, p over all cells."""
    columns = ("variant and block", "difference", "95 % interval")
    rows = []
    for variant in variants:
        for block, contrasts in blocks:
            contrast = contrasts.get(variant)
            if contrast is None:
                continue
            unit = block.unit
            texts = [f"{variant} · {block.block}"]
            texts += [unit.bare(contrast.mean, signed=True), unit.interval(contrast.interval)]
            texts += [p_value(contrast.p_cell) if contrast.n > 2 else NONE] * tested
            rows.append(((*texts, str(contrast.n)), ""))
    tests = ("Holm p over all cells",) if tested else ()
    return Table((), (*columns, *tests, "n"), tuple(rows)).told()


def _ranks(ranks: Ranks) -> list[Item]:
    told = f"Mean ranks over {ranks.count} {ranks.over}; 1 is the best, ties share."
    if ranks.critical_difference is None:
        told += " They describe: a critical difference takes five datasets or more."
    else:
        told += " Thick bars join variants that are not separated (Nemenyi, 5 %)."
    if ranks.friedman_p is not None:
        told += f" Friedman's test that all rank alike: p {p_value(ranks.friedman_p)}."
    if len(ranks.means) > MOST_RANKED:
        told += f" Drawn are the {MOST_RANKED} best of {len(ranks.means)}."
    return pictures([ranks_figure(ranks, "ranks")], told) or [Note(told)]
