"""Clauses on looks: which look decided what, and what a sweep still needs."""

from collections.abc import Sequence

from ablab.formatting import join_all, join_words
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.looks import Progress
from ablab.report.kinds import kind_of
from ablab.stats.sequential import Look
from ablab.tracking.spec import Looks

SPENDING = {"obrien_fleming": "O'Brien-Fleming", "pocock": "Pocock"}


def another(progress: Progress) -> str:
    """Return that the answer needs another look, and for which variants."""
    interim = progress.interim
    following = interim.looks.next_after(interim.size)
    return (
        f"No verdict yet: look {interim.number} of {len(interim.looks.sizes)} (n = {interim.size}) "
        f"is done, and {join_words(list(progress.variants))} go on to n = {following}"
    )


def decisions(progress: Progress, comparison: Comparison) -> list[str]:
    """Return the clause on the looks at which the contrasts of the verdict ended.

    Args:
        progress: the looks, of which no further one is needed.
        comparison: that the verdict rests on.
    """
    kind = kind_of(comparison.kind)
    decided = [c for c in comparison.deciding if kind.is_decided(c)]
    others = [c for c in comparison.deciding if not kind.is_decided(c)]
    beaten = kind.beaten(comparison)
    parts = [f"decided at {each}" for each in _by_look(decided)]
    stopped = [c for c in others if c.variant in beaten]
    parts += [f"beaten at {each}" for each in _by_look(stopped)]
    early = [c for c in others if c.variant not in beaten and c.look != c.look.last]
    parts += [f"stopped for futility at {each}" for each in _by_look(early)]
    last = [c for c in others if c.variant not in beaten and c.look == c.look.last]
    parts += [f"undecided at the last {each}" for each in _by_look(last)]
    return parts


def _by_look(contrasts: Sequence[Contrast]) -> list[str]:
    """Return ``look 1 of 4 (n = 5): tanh and elu`` for each look."""
    looks = sorted({c.look.number for c in contrasts})
    return [
        f"{_name(next(c.look for c in contrasts if c.look.number == number))}: "
        f"{join_words([c.variant for c in contrasts if c.look.number == number])}"
        for number in looks
    ]


def _name(look: Look) -> str:
    return f"look {look.number} of {len(look.sizes)} (n = {look.size})"


def method(looks: Looks) -> str:
    """Return how p-values and intervals are adjusted for the looks."""
    sizes = join_all([str(size) for size in looks.sizes])
    futility = "No contrast was given up for futility"
    if looks.futility is not None:
        futility = (
            "A contrast was given up for futility where the predicted probability that the last "
            f"look decides it was below {looks.futility:g}; no error rate depends on that"
        )
    return (
        f"The sweep looked at n = {sizes} at most, with alpha spending of "
        f"{SPENDING[looks.spending]} type. p-values are repeated p-values and intervals repeated "
        "confidence intervals (Jennison and Turnbull): both are adjusted for the looks, and Holm "
        f"goes over the repeated p-values of all contrasts. {futility}."
    )
