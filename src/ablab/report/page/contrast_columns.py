"""Columns of tables of contrasts: functions that format one value of a contrast."""

from collections.abc import Callable, Mapping

from ablab.formatting import NONE, Unit, format_number, format_p_value
from ablab.report.analysis.contrast import Contrast
from ablab.stats.equivalence import Equivalence

Formatter = Callable[[Contrast, Unit], str]


def difference(contrast: Contrast, unit: Unit) -> str:
    """Return the mean difference."""
    return unit.bare(contrast.mean, signed=True)


def differences(contrast: Contrast, unit: Unit) -> str:
    """Return the differences of all seeds."""
    return ", ".join(unit.bare(d, signed=True) for d in contrast.differences) or NONE


def interval(contrast: Contrast, unit: Unit) -> str:
    """Return the 95 % interval; for two pairs, which have none, their differences."""
    if contrast.n == 2:
        return f"none: {differences(contrast, unit)}"
    return unit.interval(contrast.interval) + (" *" if contrast.is_unreliable else "")


def seeds_won(contrast: Contrast, _: Unit) -> str:
    """Return the number of seeds won, ties half: ``4 of 5``."""
    if not contrast.n:
        return NONE
    return f"{format_number(contrast.won, int(contrast.won % 1 > 0))} of {contrast.n}"


def holm_p(contrast: Contrast, _: Unit) -> str:
    """Return Holm p; a dash for fewer than three pairs."""
    return format_p_value(contrast.p_holm) if contrast.n > 2 else NONE


def sign_flip_p(contrast: Contrast, _: Unit) -> str:
    """Return p of the sign-flip test by Holm; a dash for fewer than three pairs."""
    return format_p_value(contrast.p_flip) if contrast.n > 2 else NONE


def step_interval(contrast: Contrast, unit: Unit) -> str:
    """Return the Holm-adjusted interval and its level."""
    return _with_level(contrast.step_interval, contrast.level, unit)


def _of_equivalence(form: Callable[[Equivalence, Unit], str]) -> Formatter:
    """Return a column of the tests against the margin; a dash where there are none."""

    def formatter(contrast: Contrast, unit: Unit) -> str:
        tests = contrast.equivalence
        return form(tests, unit) if tests and contrast.n > 2 else NONE

    return formatter


def _with_level(bounds: tuple[float, float] | None, level: float, unit: Unit) -> str:
    """Return an interval and its coverage: ``0.70 to 1.70 (98.33 %)``."""
    return NONE if bounds is None else f"{unit.interval(bounds)} ({100 * (1 - level):.4g} %)"


TESTS: Mapping[str, Formatter] = {"Holm p": holm_p}
EQUIVALENCE: Mapping[str, Formatter] = {
    "Holm p (equivalence)": _of_equivalence(lambda tests, _: format_p_value(tests.p_holm)),
    "result": _of_equivalence(lambda tests, _: tests.result),
}
interval90 = _of_equivalence(lambda tests, unit: unit.interval(tests.interval90))
detectable_margin = _of_equivalence(lambda tests, unit: unit.bare(tests.detectable_margin))
inside = _of_equivalence(lambda t, unit: _with_level(t.step_interval, 2 * t.level, unit))
outside = _of_equivalence(lambda t, unit: _with_level(t.outside_interval, t.outside_level, unit))
