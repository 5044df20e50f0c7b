"""What the trials say about each expectation of a claim, corrected by Holm within the claim."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ablab.formatting import Unit, format_p_value, unit_of
from ablab.reference.identities import IDENTITIES, Identity
from ablab.report.analysis.conditions import why_untimed
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.trials import Row
from ablab.report.claims.sides import Trials, difference, seed_values
from ablab.stats import paired
from ablab.stats.equivalence import inside_p, outside_p
from ablab.stats.paired import ALPHA, Array
from ablab.stats.power import detectable_margin
from ablab.stats.spread import detectable_spread, spread_interval, spread_p
from ablab.tracking import claim as claims
from ablab.tracking.claim import Claim, Expectation
from ablab.tracking.metrics import EXACT, TIMED
from ablab.tracking.sides import baseline_of
from ablab.tracking.spec import Spec

SUPPORTED, CONTRADICTED, OPEN, NONE = "supported", "contradicted", "not detected", "no verdict"
_WITHIN = (claims.EQUAL, claims.DIFFERENT)
_NUMBERS = Unit(1.0, 3, "", "")


@dataclass(frozen=True)
class Result:
    """What was found about one expectation.

    Attributes:
        expectation: the expectation.
        outcome: `SUPPORTED`, `CONTRADICTED`, `OPEN`, or `NONE` where the trials allow no test.
        effect: mean difference of the sides, standard deviation of `stable`, or residual.
        interval: at the Holm level of its test; None without one.
        p: Holm-adjusted p of the outcome; NaN if it was not tested.
        n: number of seeds.
        detectable: what this number of seeds would have found with 80 % power; NaN if unknown.
        unit: of the effect.
        contrast: the differences, or None.
        identity: the identity as computed, or None.
        note: why there is no test, or what qualifies it; or empty.
    """

    expectation: Expectation
    outcome: str
    effect: float
    interval: tuple[float, float] | None = None
    p: float = math.nan
    n: int = 0
    detectable: float = math.nan
    unit: Unit = _NUMBERS
    contrast: Contrast | None = None
    identity: Identity | None = None
    note: str = ""

    @property
    def numbers(self) -> str:
        """The effect with its interval, p and n in words."""
        if self.identity is not None:
            return f"residual {self.effect:.1e}"
        if math.isnan(self.effect):
            return self.note or f"n = {self.n}"
        text = self.unit.bare(self.effect, signed=self.expectation.expect != claims.STABLE)
        text += self.unit.points
        parts = [] if self.interval is None else [f"Holm-adjusted CI {self._bounds}"]
        parts += [] if math.isnan(self.p) else [f"Holm p {format_p_value(self.p)}"]
        is_exact = self.expectation.metric in EXACT
        parts += ["exact"] if is_exact else [f"n = {self.n}"]
        if self.outcome == OPEN and not math.isnan(self.detectable):
            parts.append(f"detectable: about {self.unit.size(self.detectable)}")
        return f"{text} ({', '.join(parts)})" + (f"; {self.note}" if self.note else "")

    @property
    def _bounds(self) -> str:
        return self.unit.interval(self.interval)


def evaluate(claim: Claim, spec: Spec, rows: Sequence[Row]) -> tuple[Result, ...]:
    """Return the result of each expectation.

    Higher and lower are decided by the paired t test, equality by two one-sided tests, a spread by
    the chi-squared test; support and contradiction are each corrected by Holm over the
    expectations that are tested. Numbers without chance (parameters, FLOPs, identities) are
    compared as they are.

    Args:
        claim: the claim.
        spec: the question, with the variants.
        rows: of all its trials, with the claim's metrics.
    """
    tests = [_test(each, spec, rows) for each in claim.expects]
    tested = [i for i, test in enumerate(tests) if not math.isnan(test.for_it)]
    pairs = np.array([(tests[i].for_it, tests[i].against_it) for i in tested]).reshape(-1, 2)
    adjusted = np.stack([paired.holm(pairs[:, j]) for j in (0, 1)]) if tested else np.empty((2, 0))
    levels = np.stack([paired.holm_levels(pairs[:, j]) for j in (0, 1)]) if tested else adjusted
    results = [test.untested for test in tests]
    for position, i in enumerate(tested):
        own = (float(x) for x in (*adjusted[:, position], *levels[:, position]))
        results[i] = tests[i].decide(*own, m=len(tested))
    return tuple(results)


@dataclass(frozen=True)
class _Test:
    """The test of one expectation before its p-values are adjusted.

    Attributes:
        untested: the result if it is not tested.
        for_it: p of support; NaN if it is not tested.
        against_it: p of contradiction.
        values: differences, or of `stable` the values.
    """

    untested: Result
    for_it: float = math.nan
    against_it: float = math.nan
    values: Array = field(default_factory=lambda: np.empty(0))

    def decide(
        self, p_for: float, p_against: float, level: float, level_against: float, *, m: int
    ) -> Result:
        """Return the result by the adjusted p-values and their levels."""
        e, values = self.untested.expectation, self.values
        if e.expect == claims.STABLE:
            outcome = SUPPORTED if p_for <= ALPHA else CONTRADICTED if p_against <= ALPHA else OPEN
            interval = spread_interval(values, level_against)
            detectable = detectable_spread(values.size, e.margin, m)
        elif e.expect in _WITHIN:
            outcome = SUPPORTED if p_for <= ALPHA else CONTRADICTED if p_against <= ALPHA else OPEN
            # The level of two one-sided tests belongs to an interval twice as wide in its error.
            is_beyond = (outcome == CONTRADICTED) == (e.expect == claims.EQUAL)
            for_beyond = level_against if e.expect == claims.EQUAL else level
            for_within = level if e.expect == claims.EQUAL else level_against
            shown = for_beyond if is_beyond and outcome != OPEN else 2 * for_within
            interval = paired.t_interval(values, shown)
            detectable = detectable_margin(values, m)
        else:
            sign = 1 if e.expect == claims.HIGHER else -1
            is_so = sign * float(values.mean()) > e.margin
            outcome = (SUPPORTED if is_so else CONTRADICTED) if p_for <= ALPHA else OPEN
            interval = paired.t_interval(values, level)
            detectable = _detectable(values, m, self.untested.contrast)
        contrast = self.untested.contrast
        outcome, note = _qualified(outcome, contrast, self.untested.note)
        p = p_against if outcome == CONTRADICTED else p_for
        return replace(
            self.untested,
            outcome=outcome,
            interval=interval,
            p=p,
            detectable=detectable,
            note=note,
        )


def _qualified(outcome: str, contrast: Contrast | None, note: str) -> tuple[str, str]:
    """Return the outcome, which trials without a value leave open, and a remark on these."""
    if contrast is None:
        return outcome, note
    notes = [note] if note else []
    if any(contrast.uncounted):
        outcome = OPEN if outcome != NONE else NONE
        notes.append("open since trials diverged without a value")
    if contrast.is_unreliable:
        notes.append("interval unreliable: diverged trials count in it")
    if contrast.left_out:
        notes.append(f"{contrast.left_out} seeds left out")
    return outcome, ", ".join(notes)


def _detectable(values: Array, m: int, contrast: Contrast | None) -> float:
    own = contrast and replace(contrast, differences=values, m=m)
    return own.minimum_detectable_difference if own else math.nan


def _test(e: Expectation, spec: Spec, rows: Sequence[Row]) -> _Test:
    if e.expect == claims.IDENTITY:
        return _Test(_identity(e))
    trials = Trials([r for r in rows if e.block in ("", r.block)], spec.variants)
    unit = _unit(e)
    if e.expect == claims.STABLE:
        values = seed_values(e, trials)
        sd = float(values.std(ddof=1)) if values.size > 1 else math.nan
        within, above = spread_p(values, e.margin)
        result = Result(e, NONE, sd, n=values.size, unit=unit, note=_too_few(values.size))
        return _Test(result, within, above, values)
    contrast = difference(e, trials)
    n, mean = contrast.n, contrast.mean
    if e.metric in EXACT:
        return _Test(Result(e, _compared(e, mean), mean, n=n, unit=unit, contrast=contrast))
    why = why_untimed(trials.rows) if e.metric in TIMED else ""
    note = f"trials ran {why}, so {e.metric} does not compare" if why else _too_few(n, e)
    result = Result(e, NONE, mean, n=n, unit=unit, contrast=contrast, note=note)
    values = contrast.differences
    if e.expect in _WITHIN:
        within, beyond = float(inside_p(values, e.margin)), float(outside_p(values, e.margin))
        pair = (within, beyond) if e.expect == claims.EQUAL else (beyond, within)
        return _Test(result, *pair, values)
    sign = 1 if e.expect == claims.HIGHER else -1
    p = float(paired.paired_p(values - sign * e.margin)) if n else math.nan
    return _Test(result, p, p, values)


def _compared(e: Expectation, mean: float) -> str:
    """Return the outcome for numbers without chance."""
    if math.isnan(mean):
        return NONE
    if e.expect in _WITHIN:
        is_equal = abs(mean) <= e.margin
        return SUPPORTED if is_equal == (e.expect == claims.EQUAL) else CONTRADICTED
    sign = 1 if e.expect == claims.HIGHER else -1
    return SUPPORTED if sign * mean > e.margin else CONTRADICTED


def _identity(e: Expectation) -> Result:
    identity = IDENTITIES[e.check]()
    outcome = SUPPORTED if identity.residual <= e.tolerance else CONTRADICTED
    return Result(e, outcome, identity.residual, identity=identity)


def _too_few(n: int, e: Expectation | None = None) -> str:
    if n > 2:
        return ""
    name = baseline_of(e.than) if e else ""
    of = f" with the baseline {name}, which `ablab claims run` trains" if name else ""
    return f"a test needs three seeds, got {n}{of}"


def _unit(e: Expectation) -> Unit:
    if claims.WIDTH in e.reduce:
        return unit_of("width/decades")
    return _NUMBERS if claims.CORRELATION in e.reduce else unit_of(e.metric)
