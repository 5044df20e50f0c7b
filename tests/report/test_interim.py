import numpy as np
import pytest
from looks_by_hand import accuracies, looks
from scipy import stats

from ablab.report import interim
from ablab.stats.sequential import Look
from ablab.tracking.plan import find_plan

SHIFTS = [0, 0.3, 300]


def shares(outcomes, seeds):
    return {
        v: [x / 100 for x in per[:n]] for (v, per), n in zip(outcomes.items(), seeds, strict=True)
    }


def test_undecided_variants_are_those_that_the_next_look_trains(writer):
    outcomes = accuracies(np.random.default_rng(1), SHIFTS)
    spec = looks() | {"seeds": 5}
    writer.sweep(shares(outcomes, (5, 5, 5)), name="first", **spec)
    assert interim.undecided(writer.lab, find_plan(writer.lab, "first")) == ("relu", "v1")
    writer.sweep(shares(outcomes, (20, 20, 5)), name="last", **spec)
    assert interim.undecided(writer.lab, find_plan(writer.lab, "last")) == ()
    cut = shares(outcomes, (5, 5, 5)) | {"v1": [0.9, 0.9, 0.9, 0.9, None]}
    writer.sweep(cut, name="unsettled", block="other", **spec)
    assert interim.undecided(writer.lab, find_plan(writer.lab, "unsettled")) is None


def test_a_fixed_sweep_has_nothing_undecided(writer):
    writer.sweep({"relu": [0.9, 0.91, 0.92], "v1": [0.8, 0.82, 0.81]})
    assert interim.undecided(writer.lab, find_plan(writer.lab, "activations")) is None


@pytest.mark.parametrize("with_looks", [True, False])
def test_detectable_differences_have_eighty_percent_power(writer, with_looks):
    outcomes = accuracies(np.random.default_rng(1), [0, 0.3, 1.0])
    spec = looks() if with_looks else {}
    writer.sweep(shares(outcomes, (5, 5, 5)), **spec)
    found = interim.detectable(writer.lab, find_plan(writer.lab, "activations"), (5, 10, 15, 20))
    assert found.basis == 5
    base = np.array(outcomes["relu"][:5])
    sds = [np.std(np.array(outcomes[v][:5]) - base, ddof=1) / 100 for v in ("v1", "v2")]
    for number, (n, (low, high)) in enumerate(found.sizes.items(), 1):
        level = Look((5, 10, 15, 20), number).nominal(0.025) if with_looks else 0.025
        critical = stats.t.isf(level / 2, n - 1)
        for size, sd in ((low, min(sds)), (high, max(sds))):
            power = stats.nct.sf(critical, n - 1, size / sd * np.sqrt(n))
            assert power == pytest.approx(0.8, abs=0.002) or np.isnan(power)


def test_nothing_is_known_before_three_seeds(writer):
    writer.sweep({"relu": [0.9, 0.91], "v1": [0.8, 0.82]})
    assert interim.detectable(writer.lab, find_plan(writer.lab, "activations"), (5, 10)) is None


def test_of_equivalence_it_is_the_margin(writer):
    writer.sweep(
        {"relu": [0.9, 0.91, 0.92, 0.9], "v1": [0.9, 0.92, 0.91, 0.9]},
        question_kind="equivalence",
        margin=0.01,
    )
    plan = find_plan(writer.lab, "activations")
    found = interim.detectable(writer.lab, plan, (5, 20))
    (small, _), (large, _) = found.sizes.values()
    assert small > large > 0
