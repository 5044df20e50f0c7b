"""What a column of a table tells of a contrast."""

from collections.abc import Callable, Mapping

from ablab.report.analysis.contrast import Contrast
from ablab.report.formatting import NONE, Unit, number, p_value
from ablab.stats.equivalence import Equivalence

Tell = Callable[[Contrast, Unit], str]


def difference(contrast: Contrast, unit: Unit) -> str:
    """Return the mean difference."""
    return unit.bare(contrast.mean, signed=True)


def both(contrast: Contrast, unit: Unit) -> str:
    """Return the differences, one a seed."""
    return ", ".join(unit.bare(d, signed=True) for d in contrast.differences)


def interval(contrast: Contrast, unit: Unit) -> str:
    """Return the 95 % interval; of two pairs the differences, for there is none."""
    if contrast.n == 2:
        return f"none: {both(contrast, unit)}"
    return unit.interval(contrast.interval) + (" *" if contrast.is_unreliable else "")


def won(contrast: Contrast, _: Unit) -> str:
    """Return how many seeds are won; a tie is half of one."""
    if not contrast.n:
        return NONE
    return f"{number(contrast.won, int(contrast.won % 1 > 0))} of {contrast.n}"


def holm_p(contrast: Contrast, _: Unit) -> str:
    """Return Holm's p, nothing below three pairs."""
    return p_value(contrast.p_holm) if contrast.n > 2 else NONE


def flip_p(contrast: Contrast, _: Unit) -> str:
    """Return the sign-flip test's p by Holm, which decides nothing; nothing below three pairs."""
    return p_value(contrast.p_flip) if contrast.n > 2 else NONE


def _of_margin(tell: Callable[[Equivalence, Unit], str]) -> Tell:
    def told(contrast: Contrast, unit: Unit) -> str:
        held = contrast.equivalence
        return tell(held, unit) if held and contrast.n > 2 else NONE

    return told


TESTS: Mapping[str, Tell] = {"Holm p": holm_p}
EQUIVALENCE: Mapping[str, Tell] = {
    "Holm p of equality": _of_margin(lambda held, _: p_value(held.p_holm)),
    "found": _of_margin(lambda held, _: held.result),
}
interval90 = _of_margin(lambda held, unit: unit.interval(held.interval90))
detectable_margin = _of_margin(lambda held, unit: unit.bare(held.detectable_margin))
inside = _of_margin(lambda held, unit: _levelled(held.step_interval, 2 * held.level, unit))
outside = _of_margin(lambda held, unit: _levelled(held.outside_interval, held.outside_level, unit))


def step_interval(contrast: Contrast, unit: Unit) -> str:
    """Return the interval that decides with Holm's p, and its level."""
    return _levelled(contrast.step_interval, contrast.level, unit)


def _levelled(bounds: tuple[float, float] | None, level: float, unit: Unit) -> str:
    """Return an interval and how often it covers: ``0.70 to 1.70 (98.33 %)``."""
    return NONE if bounds is None else f"{unit.interval(bounds)} ({100 * (1 - level):.4g} %)"
