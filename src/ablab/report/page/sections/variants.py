"""The table of variants, the contrasts in detail, and the classical learners under them."""

from collections.abc import Iterable
from dataclasses import replace

from ablab.report.analysis.baselines import Classical, classical
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.kinds import kind_of
from ablab.report.page.context import MOST_TABLED, MOST_TABLED_BLOCKS, Context, choose
from ablab.report.page.details import contrasts_table
from ablab.report.page.sections.chapter import Chapter, Item, Note, Part, Shown
from ablab.report.page.tables import variants_table

NAME, TITLE = "variants", "Variants"
MOST_CONTRASTS = 100
LEARNERS = (
    "What a network has to beat: scikit-learn's learners on the same training and test images, "
    "with these settings, not tuned. Means over n splits into training and validation; seconds "
    "of fitting on this lab's machine."
)


def chapter(context: Context) -> Chapter:
    """Return it: the mean over blocks first, where there are several."""
    across, parts = context.analysis.across, []
    if across:
        parts.append(Part("All blocks", tuple(_tables(context, across))))
    found = context.by_block(
        NAME, TITLE, lambda block, _: _block(context, block), MOST_TABLED_BLOCKS
    )
    folded = [replace(part, folded=bool(across and part.title)) for part in found.parts]
    return Chapter(NAME, TITLE, (*parts, *folded))


def _block(context: Context, comparison: Comparison) -> list[Item]:
    rows = [row for group in comparison.groups.values() for row in group.rows]
    learners = classical(context.analysis.plan, rows, context.baselines)
    return [*_tables(context, comparison), *_classical(learners)]


def _tables(context: Context, comparison: Comparison) -> list[Item]:
    chosen = choose(comparison, MOST_TABLED, "Shown")
    table = variants_table(comparison, chosen.variants, tested=context.tested, timed=context.timed)
    note = Note(f"{_explained(context, comparison)} {chosen.note}".strip())
    return [Shown(table, "variants"), note, *_contrasts(context, comparison)]


def _explained(context: Context, comparison: Comparison) -> str:
    over = "seeds" if len(comparison.blocks) == 1 else "seeds of what they reach over blocks"
    told = [
        f"Means over {over}"
        + (", in per cent; differences in points." if comparison.unit.points else "."),
    ]
    if comparison.reference is not None:
        told.append(_intervals(context, comparison))
    if not context.foreign:
        told += _of_trials(context, comparison)
    if any(contrast.is_unreliable for contrast in comparison.family):
        told.append("* unreliable: a trial that diverged counts in this interval.")
    return " ".join(filter(None, told))


def _intervals(context: Context, comparison: Comparison) -> str:
    """Return how the table's intervals and what decides go together."""
    if not any(contrast.interval for contrast in comparison.against_reference.values()):
        return ""
    told = "Each interval is for itself alone"
    count = max(contrast.m for contrast in comparison.family)
    if not context.tested or not kind_of(comparison.kind).tests_variants or count < 2:
        return f"{told}."
    return f"{told}; Holm p, over {count} contrasts, decides."


def _of_trials(context: Context, comparison: Comparison) -> list[str]:
    """Return what ablab knows of the trials that it trained."""
    told = ["Accuracy on test is that of the epoch that validation chose."]
    if len(comparison.blocks) > 1:
        return told
    told.append("Cost: the middle trial of each variant; FLOPs for one image, forward.")
    if context.timed:
        told += ["Seconds an epoch are without evaluation.", context.load]
    else:
        told.append(f"Trials ran {context.why_untimed}, so times and memory are not compared.")
    return told


def _contrasts(context: Context, comparison: Comparison) -> list[Item]:
    family = comparison.family
    if not family:
        return []
    first = sorted(range(len(family)), key=lambda i: _urgency(comparison, family[i]))
    shown = [family[i] for i in sorted(first[:MOST_CONTRASTS])]
    count = f"{len(family)} {'contrast' if len(family) == 1 else 'contrasts'} in detail"
    if len(shown) < len(family):
        count += (
            f": {len(shown)} of them, those with {comparison.reference} and the surest first; "
            "all are in contrasts.csv"
        )
    table = contrasts_table(comparison, shown, tested=context.tested)
    return [Shown(table, "contrasts", folded=count)]


def _urgency(comparison: Comparison, contrast: Contrast) -> tuple[bool, float]:
    return contrast.reference != comparison.reference, contrast.p_holm


def _classical(learners: Iterable[Classical]) -> list[Item]:
    found: list[Item] = []
    for learner in learners:
        if learner.table.rows:
            title = f"Classical learners on {learner.data}"
            found += [Shown(learner.table, "classical", title=title), Note(LEARNERS)]
        else:
            found.append(
                Note(
                    "No classical learners were trained on these images yet;",
                    learner.command,
                    "does it, and the next report shows them here.",
                )
            )
    return found
