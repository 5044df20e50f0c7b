"""The differences of each block: a panel of rows a variant, a row a block."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.formatting import Unit
from ablab.report.page.figures.canvas import INK, MUTED, SERIES, canvas, grid, short, style, to_svg

MOST_ROWS = 40


Blocks = Sequence[tuple[Comparison, Mapping[str, Contrast]]]
"""Each block with the contrasts of its variants with the reference."""


def blocks_figure(blocks: Blocks, variants: Sequence[str], reference: str, name: str) -> str:
    """Return each variant's mean difference in each block; empty where there is none.

    Up to `MOST_ROWS` rows every block is named and has its interval; beyond, a dot a block.

    Args:
        blocks: a comparison a block, with the contrasts to draw.
        variants: those to draw.
        reference: what they are held against.
        name: what its ids begin with, to be unique on the page.
    """
    found = {v: [of[v] for _, of in blocks if v in of and of[v].n] for v in variants}
    found = {variant: contrasts for variant, contrasts in found.items() if contrasts}
    if not found:
        return ""
    unit = blocks[0][0].unit
    named = sum(len(contrasts) for contrasts in found.values()) <= MOST_ROWS
    label = f"Mean difference to {reference} of each variant in each of {len(blocks)} blocks"
    with style():
        figure = _named(blocks, list(found), unit) if named else _dots(found, unit)
        axes = figure.axes[0]
        axes.axvline(0, color=INK, linewidth=0.9, zorder=1)
        grid(axes, "x")
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.set_xlabel(
            f"difference to {short(reference)}" + (f",{unit.points}" if unit.points else "")
        )
        return to_svg(figure, name, label)


def _named(blocks: Blocks, variants: Sequence[str], unit: Unit) -> Figure:
    ticks: list[tuple[float, str]] = []
    y = 0.0
    shown = []
    for place, variant in enumerate(variants):
        ticks.append((y, short(variant)))
        for block, contrasts in blocks:
            contrast = contrasts.get(variant)
            if contrast and contrast.n:
                y -= 1.0
                ticks.append((y, f"{short(block.block)}   "))
                shown.append((y, place, contrast))
        y -= 1.3
    figure, axes = canvas(0.7 + 0.19 * -y)
    for level, place, contrast in shown:
        _draw(axes, level, contrast, unit, place)
    axes.set_yticks([tick for tick, _ in ticks], [text for _, text in ticks])
    heads = {short(variant) for variant in variants}
    for text in axes.get_yticklabels():
        head = text.get_text() in heads
        text.set(weight="bold" if head else "normal", size=11 if head else 9.5)
    axes.set_ylim(y + 0.6, 0.9)
    return figure


def _draw(axes: Axes, y: float, contrast: Contrast, unit: Unit, place: int) -> None:
    color = SERIES[place % len(SERIES)]
    if contrast.interval is not None:
        ends = [bound * unit.scale for bound in contrast.interval]
        axes.plot(ends, [y, y], color=color, lw=1.8, solid_capstyle="butt")
    axes.plot(contrast.mean * unit.scale, y, "D", color=color, ms=4.5)


def _dots(found: dict[str, list[Contrast]], unit: Unit) -> Figure:
    figure, axes = canvas(0.62 + 0.32 * len(found))
    for place, contrasts in enumerate(found.values()):
        means = sorted(contrast.mean * unit.scale for contrast in contrasts)
        axes.plot(means, [-place] * len(means), "o", ms=4, mfc="none", mec=MUTED, mew=0.9)
        axes.plot(sum(means) / len(means), -place, "D", color=SERIES[0], ms=6)
    axes.set_yticks([-i for i in range(len(found))], [short(v) for v in found])
    axes.set_ylim(-len(found) + 0.4, 0.6)
    return figure
