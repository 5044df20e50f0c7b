"""Differences in each block: a group of rows per variant, one row per block."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablab.formatting import Unit
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.page.figures.svg import INK, MUTED, SERIES, grid, new_figure, short, style, to_svg

MOST_ROWS = 40


Blocks = Sequence[tuple[Comparison, Mapping[str, Contrast]]]
"""Each block with the contrasts of its variants with the reference."""


def blocks_figure(blocks: Blocks, variants: Sequence[str], reference: str, name: str) -> str:
    """Return each variant's mean difference in each block; empty if there is none.

    Up to `MOST_ROWS` rows every block has a row with its interval; beyond, a dot per block.

    Args:
        blocks: the comparison of each block, with the contrasts to draw.
        variants: those to draw.
        reference: the variant that they are compared with.
        name: the prefix of its ids, unique on the page.
    """
    by_variant = {v: [of[v] for _, of in blocks if v in of and of[v].n] for v in variants}
    by_variant = {variant: contrasts for variant, contrasts in by_variant.items() if contrasts}
    if not by_variant:
        return ""
    unit = blocks[0][0].unit
    has_rows = sum(len(contrasts) for contrasts in by_variant.values()) <= MOST_ROWS
    label = f"Mean difference of each variant from {reference} in each of {len(blocks)} blocks"
    with style():
        figure = _rows(blocks, list(by_variant), unit) if has_rows else _dots(by_variant, unit)
        axes = figure.axes[0]
        axes.axvline(0, color=INK, linewidth=0.9, zorder=1)
        grid(axes, "x")
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.set_xlabel(unit.difference_axis(f"difference from {short(reference)}"))
        return to_svg(figure, name, label)


def _rows(blocks: Blocks, variants: Sequence[str], unit: Unit) -> Figure:
    ticks: list[tuple[float, str]] = []
    y = 0.0
    shown = []
    for index, variant in enumerate(variants):
        ticks.append((y, short(variant)))
        for block, contrasts in blocks:
            contrast = contrasts.get(variant)
            if contrast and contrast.n:
                y -= 1.0
                ticks.append((y, f"{short(block.block)}   "))
                shown.append((y, index, contrast))
        y -= 1.3
    figure, axes = new_figure(0.7 + 0.19 * -y)
    for level, index, contrast in shown:
        _draw(axes, level, contrast, unit, SERIES[index % len(SERIES)])
    axes.set_yticks([tick for tick, _ in ticks], [text for _, text in ticks])
    heads = {short(variant) for variant in variants}
    for text in axes.get_yticklabels():
        head = text.get_text() in heads
        text.set(weight="bold" if head else "normal", size=11 if head else 9.5)
    axes.set_ylim(y + 0.6, 0.9)
    return figure


def _draw(axes: Axes, y: float, contrast: Contrast, unit: Unit, color: str) -> None:
    if contrast.interval is not None:
        ends = [bound * unit.scale for bound in contrast.interval]
        axes.plot(ends, [y, y], color=color, lw=1.8, solid_capstyle="butt")
    axes.plot(contrast.mean * unit.scale, y, "D", color=color, ms=4.5)


def _dots(by_variant: dict[str, list[Contrast]], unit: Unit) -> Figure:
    figure, axes = new_figure(0.62 + 0.32 * len(by_variant))
    for index, contrasts in enumerate(by_variant.values()):
        means = sorted(contrast.mean * unit.scale for contrast in contrasts)
        axes.plot(means, [-index] * len(means), "o", ms=4, mfc="none", mec=MUTED, mew=0.9)
        axes.plot(sum(means) / len(means), -index, "D", color=SERIES[0], ms=6)
    axes.set_yticks([-i for i in range(len(by_variant))], [short(v) for v in by_variant])
    axes.set_ylim(-len(by_variant) + 0.4, 0.6)
    return figure
