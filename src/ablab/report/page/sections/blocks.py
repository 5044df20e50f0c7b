"""Several blocks: the differences in each block, mean ranks, critical difference."""

from collections.abc import Sequence
from dataclasses import replace

from ablab.formatting import NONE, format_p_value
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.ranks import Ranks
from ablab.report.page.context import MOST_TABLED_BLOCKS, Context, choose
from ablab.report.page.figures.blocks import blocks_figure
from ablab.report.page.figures.ranks import MOST_RANKED, ranks_figure
from ablab.report.page.sections.section import Item, Note, Section, TableItem, pictures, undivided
from ablab.report.page.table import Table

NAME, TITLE = "blocks", "Blocks and ranks"
MOST_VARIANTS = 12


def section(context: Context) -> Section:
    """Return the section on several blocks; without parts for a single block."""
    if len(context.analysis.blocks) < 2 or context.main.reference is None:
        return undivided(NAME, TITLE, ())
    items = [*_blocks(context), *(_ranks(context.analysis.ranks) if context.analysis.ranks else ())]
    return undivided(NAME, TITLE, items)


def _blocks(context: Context) -> list[Item]:
    reference = str(context.main.reference)
    blocks = [(b, versus(b, reference)) for b in context.analysis.blocks]
    chosen = choose(context.main, MOST_VARIANTS + 1)
    variants = [v for v in chosen.variants if v != reference]
    svg = blocks_figure(blocks, variants, reference, NAME)
    caption = (
        f"Mean difference from {reference} in each block, with its 95 % interval. If there are too "
        "many blocks, each is an open dot and the solid mark is their mean. "
    ) + chosen.note
    tabled = blocks[:MOST_TABLED_BLOCKS]
    summary = f"Differences from {reference} in {len(tabled)} blocks"
    table = blocks_table(tabled, variants, tested=context.tested)
    return [*pictures([svg], caption.strip()), TableItem(table, "blocks", summary)]


def versus(comparison: Comparison, reference: str) -> dict[str, Contrast]:
    """Return the contrast of each other variant with a reference, negated where needed."""
    contrasts = {}
    for contrast in comparison.family:
        if contrast.reference == reference:
            contrasts[contrast.variant] = contrast
        elif contrast.variant == reference:
            contrasts[contrast.reference] = replace(
                contrast,
                variant=contrast.reference,
                reference=reference,
                differences=-contrast.differences,
                converged=-contrast.converged,
                uncounted=contrast.uncounted[::-1],
            )
    return contrasts


def blocks_table(
    blocks: Sequence[tuple[Comparison, dict[str, Contrast]]],
    variants: Sequence[str],
    *,
    tested: bool,
) -> Table:
    """Return a table with one row per variant and block: difference, interval, p, n."""
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
            texts += [format_p_value(contrast.p_cell) if contrast.n > 2 else NONE] * tested
            rows.append(((*texts, str(contrast.n)), ""))
    tests = ("Holm p (all cells)",) if tested else ()
    return Table((), (*columns, *tests, "n"), tuple(rows)).without_empty_columns()


def _ranks(ranks: Ranks) -> list[Item]:
    text = f"Mean ranks over {ranks.count} {ranks.over}, 1 for the best; ties share a rank."
    if ranks.critical_difference is None:
        text += " They are descriptive: a critical difference needs at least five data sets."
    else:
        text += (
            " Thick bars join variants whose mean ranks differ by less than the critical "
            "difference (Nemenyi, level 0.05)."
        )
    if ranks.friedman_p is not None:
        text += f" Friedman test of equal ranks: p {format_p_value(ranks.friedman_p)}."
    if len(ranks.means) > MOST_RANKED:
        text += f" The best {MOST_RANKED} of {len(ranks.means)} variants are drawn."
    return pictures([ranks_figure(ranks, "ranks")], text) or [Note(text)]
