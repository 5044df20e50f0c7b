"""Equal values are a tie for every kind of question and any rounding."""

import math
from dataclasses import replace

import numpy as np
import pytest
from tables_by_hand import analyze_rows, rows, spec

from ablab.report.text.verdict import verdict

SIZES = (3, 5, 20)
KINDS = {
    "versus_baseline": {},
    "best": {"kind": "best"},
    "equivalence": {"kind": "equivalence", "margin": 0.005},
    "factors": {"kind": "factors", "baseline": "a, x"},
}
GRID = {f"{a}, {b}": {"normalization": a, "dropout": b} for a in "ab" for b in "xy"}


def column(n, images=360):
    """Draw n different accuracies in per cent, each a count of images over their number."""
    counts = np.random.default_rng(n).choice(images, n, replace=False)
    return [100 * int(count) / images for count in counts]


def analysis_of(kind, n, columns=None, total=360):
    names = list(GRID) if kind == "factors" else ["relu", "elu", "tanh", "selu"]
    own = columns or [column(n)] * len(names)
    table = rows(dict(zip(names, own, strict=True)), images=total)
    grid = {"variants": GRID} if kind == "factors" else {}
    return analyze_rows(table, spec(names, **KINDS[kind], **grid))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_equal_values_are_no_difference(kind, n):
    analysis = analysis_of(kind, n)
    for contrast in analysis.main.tested:
        assert (contrast.n, contrast.mean) == (n, 0.0)
        assert (contrast.p, contrast.p_holm, contrast.p_flip) == (1.0, 1.0, 1.0)
        assert contrast.result == "open"
        assert contrast.won == n / 2
        assert contrast.interval is None
    answer = verdict(analysis)
    assert answer.is_given
    assert not any(
        word in answer.sentence for word in ("beats", "differ from", "raises", "interact:")
    )
    assert "nan" not in answer.sentence


@pytest.mark.parametrize("n", SIZES)
def test_equal_values_are_equivalent_with_enough_seeds(n):
    """The sign-flip p of n equal differences within the margin is 2^-n, times 3 by Holm."""
    for contrast in analysis_of("equivalence", n).main.tested:
        equivalence = contrast.equivalence
        assert equivalence.p == 2.0**-n
        assert equivalence.p_holm == min(1.0, 3 * 2.0**-n)
        assert equivalence.result == ("equivalent" if 3 * 2.0**-n <= 0.05 else "undecided")
        assert equivalence.p_different_holm == 1.0


def in_float32(values):
    return [float(np.float32(x)) for x in values]


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e6])
def test_values_that_differ_by_rounding_alone_are_equal(kind, n, scale):
    """One variant logged in float32, one in float64, without a number of images."""
    plain = [scale * x for x in column(n)]
    columns = [plain, in_float32(plain), [x * 3 / 3 for x in plain], in_float32(plain)]
    analysis = analysis_of(kind, n, columns, total=None)
    assert all(c.p == 1.0 and c.mean == 0.0 for c in analysis.main.tested)


@pytest.mark.parametrize("n", SIZES)
def test_equal_differences_with_rounding_have_the_sign_flip_p(n):
    plain = column(n)
    shifted = in_float32([x + 1.0 for x in plain])
    analysis = analysis_of("versus_baseline", n, [plain, shifted, plain, plain], total=None)
    contrast = next(c for c in analysis.main.tested if c.variant == "elu")
    assert contrast.p == 2.0 ** (1 - n)
    assert contrast.mean == pytest.approx(0.01, rel=1e-5)


def test_a_small_difference_is_kept():
    """One millionth of the values is more than the rounding of float32."""
    plain = column(5)
    shifted = [x * (1 + 2e-6 * (1 + i)) for i, x in enumerate(plain)]
    analysis = analysis_of("versus_baseline", 5, [plain, shifted, plain, plain], total=None)
    contrast = next(c for c in analysis.main.tested if c.variant == "elu")
    assert (contrast.differences > 0).all()


def test_a_missing_trial_does_not_untie_the_others():
    names = ["relu", "elu"]
    table = rows(dict.fromkeys(names, column(5)), images=None)
    table[0] = replace(table[0], outcome="failed", value=math.nan)
    (contrast,) = analyze_rows(table, spec(names)).main.family
    assert (contrast.n, contrast.p, contrast.left_out) == (4, 1.0, 1)
