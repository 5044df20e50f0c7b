"""The columns of the table of variants that compare with the reference."""

from ablab.report.analysis.comparison import Comparison
from ablab.report.kinds import kind_of
from ablab.report.page.contrast_columns import Tell, both, difference, interval, won


def columns(comparison: Comparison, *, tested: bool) -> dict[str, Tell]:
    """Return the columns of the table of variants, none where nothing is a reference.

    Args:
        comparison: the block's.
        tested: whether a verdict was given; the kind ``factors`` tests its effects instead.
    """
    if comparison.reference is None:
        return {}
    most = max((c.n for c in comparison.against_reference.values()), default=0)
    spread: dict[str, Tell] = {"95 % interval": interval}
    if most < 3:
        spread = {"both differences": both} if most == 2 else {}
    shown: dict[str, Tell] = {"difference": difference, **spread}
    kind = kind_of(comparison.kind)
    if tested and kind.tests_variants:
        shown |= kind.columns
    return shown | {"seeds won": won}
