"""The table of variants, the contrasts in detail, and scikit-learn baselines."""

from collections.abc import Iterable
from dataclasses import replace

from ablab.report.analysis.baselines import COLUMNS, SklearnBaselines, sklearn_baselines
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.kinds import kind_of
from ablab.report.page.context import MOST_TABLED, MOST_TABLED_BLOCKS, Context, choose
from ablab.report.page.details import contrasts_table
from ablab.report.page.sections.section import Item, Note, Part, Section, TableItem
from ablab.report.page.table import Table
from ablab.report.page.variants_table import variants_table

NAME, TITLE = "variants", "Variants"
MOST_CONTRASTS = 100
BASELINES = (
    "scikit-learn models on the same training and test images, with these settings, not tuned: a "
    "network should beat them. Means over n splits into training and validation; fitting was timed "
    "on this lab's machine."
)


def section(context: Context) -> Section:
    """Return the section on variants, one part per block, after one over several blocks."""
    across, parts = context.analysis.across, []
    if across:
        parts.append(Part("All blocks", tuple(_tables(context, across))))
    own = context.by_block(NAME, TITLE, lambda block, _: _block(context, block), MOST_TABLED_BLOCKS)
    folded = [replace(part, folded=bool(across and part.title)) for part in own.parts]
    return Section(NAME, TITLE, (*parts, *folded))


def _block(context: Context, comparison: Comparison) -> list[Item]:
    rows = [row for group in comparison.groups.values() for row in group.rows]
    baselines = sklearn_baselines(context.analysis.plan, rows, context.baselines)
    return [*_tables(context, comparison), *_baselines(baselines)]


def _tables(context: Context, comparison: Comparison) -> list[Item]:
    chosen = choose(comparison, MOST_TABLED, "shown")
    table = variants_table(comparison, chosen.variants, tested=context.tested, timed=context.timed)
    note = Note(f"{_note(context, comparison)} {chosen.note}".strip())
    return [TableItem(table, "variants"), note, *_contrasts(context, comparison)]


def _note(context: Context, comparison: Comparison) -> str:
    over = "seeds" if len(comparison.blocks) == 1 else "seeds, of averages over blocks"
    unit = ", in per cent; differences in points" if comparison.unit.points else ""
    sentences = [f"Means over {over}{unit}."]
    if comparison.reference is not None:
        sentences.append(_intervals(context, comparison))
    if not context.foreign:
        sentences += _trials(context, comparison)
    if any(contrast.is_unreliable for contrast in comparison.family):
        sentences.append("* unreliable: a diverged trial counts in this interval.")
    return " ".join(filter(None, sentences))


def _intervals(context: Context, comparison: Comparison) -> str:
    """Return the sentence on the table's intervals and the p that decides."""
    if not any(contrast.interval for contrast in comparison.against_reference.values()):
        return ""
    text = "Each interval is for one comparison alone"
    if comparison.grid.interim is not None:
        text = (
            "Differences count the seeds that both variants have; each interval is for one "
            "comparison alone, adjusted for the looks"
        )
    count = max(contrast.m for contrast in comparison.family)
    if not context.tested or not kind_of(comparison.kind).tests_variants or count < 2:
        return f"{text}."
    return f"{text}; Holm p, corrected over {count} contrasts, decides."


def _trials(context: Context, comparison: Comparison) -> list[str]:
    """Return the sentences on trials that ablab trained."""
    sentences = ["Test accuracy is that of the epoch that was chosen on validation data."]
    if len(comparison.blocks) > 1:
        return sentences
    sentences.append("Cost is the median over trials; FLOPs are those of one image's forward pass.")
    if context.timed:
        sentences += ["Seconds per epoch exclude evaluation.", context.load]
    else:
        sentences.append(f"Trials ran {context.why_untimed}, so times and memory are not compared.")
    return sentences


def _contrasts(context: Context, comparison: Comparison) -> list[Item]:
    family = comparison.family
    if not family:
        return []
    order = sorted(range(len(family)), key=lambda i: _order(comparison, family[i]))
    shown = [family[i] for i in sorted(order[:MOST_CONTRASTS])]
    summary = f"{len(family)} {'contrast' if len(family) == 1 else 'contrasts'} in detail"
    if len(shown) < len(family):
        summary += (
            f": {len(shown)} of them, those with {comparison.reference} and then those with the "
            "smallest p; contrasts.csv has all"
        )
    table = contrasts_table(comparison, shown, tested=context.tested)
    return [TableItem(table, "contrasts", summary=summary)]


def _order(comparison: Comparison, contrast: Contrast) -> tuple[bool, float]:
    return contrast.reference != comparison.reference, contrast.p_holm


def _baselines(baselines: Iterable[SklearnBaselines]) -> list[Item]:
    items: list[Item] = []
    for own in baselines:
        if own.rows:
            table = Table((), COLUMNS, tuple((row, "") for row in own.rows))
            title = f"scikit-learn baselines on {own.data}"
            items += [TableItem(table, "classical", title=title), Note(BASELINES)]
        else:
            items.append(
                Note(
                    "No scikit-learn baselines were trained on these images yet:",
                    own.command,
                    "trains them, and the next report shows them here.",
                )
            )
    return items
