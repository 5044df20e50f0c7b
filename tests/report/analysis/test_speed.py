import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from tables_by_hand import RELU, plan, rows

from ablab.report.analysis.analysis import analyze
from ablab.report.analysis.conditions import conditions, why_untimed
from ablab.report.text.provenance import notices
from ablab.tracking.plan import Part, Plan

TARGET = 0.9


def curve(first, length=10):
    """Return a validation accuracy at the target from epoch ``first`` on; never for None."""
    return tuple(0.95 if first and epoch >= first else 0.5 for epoch in range(1, length + 1))


def table_of(firsts, lengths=None, pace=None, outcomes=None):
    """Return rows, given the first epoch at the target of each variant's seeds."""
    table = rows({v: RELU[: len(f)] for v, f in firsts.items()})
    result = []
    for row in table:
        length = (lengths or {}).get((row.variant, row.seed), 10)
        step = (pace or {}).get(row.variant, 2.0)
        outcome = (outcomes or {}).get((row.variant, row.seed), "finished")
        result.append(
            replace(
                row,
                outcome=outcome,
                value=math.nan if outcome == "failed" else row.value,
                curve=curve(firsts[row.variant][row.seed], length),
                seconds=tuple(step * (i + 1) for i in range(length)),
                environment={"cpu": "x", "threads": 1},
            )
        )
    return result


def speed_of(table, **more):
    (speed,) = analyze(plan(table, target=TARGET, **more), table).speed
    return speed


def test_the_first_epoch_at_the_target_counts():
    speed = speed_of(table_of({"relu": [3, 1, 10], "elu": [2, 2, 2]}))
    times = speed.variants["relu"]
    assert list(times.epochs) == [3, 1, 10]
    assert list(times.seconds) == [6, 2, 20]
    assert times.reached.all()
    assert (speed.epochs, speed.seconds) == (10, 20)
    assert speed.contrasts["elu"].differences == pytest.approx([-1, 1, -8])


def test_a_target_that_is_met_exactly_is_reached():
    row, *others = table_of({"relu": [1, 1, 1], "elu": [1, 1, 1]})
    speed = speed_of([replace(row, curve=(0.5, TARGET, 0.5)), *others])
    assert speed.variants["relu"].epochs[0] == 2


def test_a_trial_that_does_not_reach_the_target_is_censored_at_the_budget():
    speed = speed_of(table_of({"relu": [3, 4, 5], "elu": [2, None, 4]}))
    times = speed.variants["elu"]
    assert list(times.epochs) == [2, 10, 4]
    assert list(times.reached) == [True, False, True]
    assert times.mean_epochs == pytest.approx(16 / 3)
    assert speed.ratios == {}
    assert speed.ratios_seconds == {}


def test_the_budget_is_the_shortest_training():
    speed = speed_of(table_of({"relu": [3, 4, 9], "elu": [2, 3, 4]}, lengths={("elu", 0): 6}))
    assert speed.epochs == 6
    assert list(speed.variants["relu"].epochs) == [3, 4, 6]
    assert list(speed.variants["relu"].reached) == [True, True, False]


def test_seconds_have_a_budget_of_their_own():
    """A variant of half the speed reaches the target after the other's training has ended."""
    speed = speed_of(table_of({"relu": [3, 3, 3], "elu": [3, 6, 3]}, pace={"elu": 4.0}))
    assert speed.seconds == 20
    assert list(speed.variants["elu"].seconds) == [12, 20, 12]
    assert list(speed.variants["elu"].reached_seconds) == [True, False, True]
    assert speed.variants["elu"].reached.all()
    assert set(speed.ratios) == {"elu"}
    assert speed.ratios_seconds == {}


def test_a_diverged_trial_is_censored_and_does_not_shorten_the_budget():
    outcomes = {("elu", 1): "diverged", ("elu", 2): "diverged"}
    lengths = {("elu", 1): 2, ("elu", 2): 0}
    speed = speed_of(
        table_of({"relu": [3, 3, 3], "elu": [2, None, None]}, lengths, outcomes=outcomes)
    )
    assert speed.epochs == 10
    assert list(speed.variants["elu"].epochs) == [2, 10, 10]
    assert list(speed.variants["elu"].reached) == [True, False, False]


def test_a_failed_trial_is_missing_and_its_pair_left_out():
    speed = speed_of(
        table_of({"relu": [3, 4, 5], "elu": [2, 3, 4]}, outcomes={("elu", 1): "failed"})
    )
    assert speed.variants["elu"].seeds == (0, 2)
    contrast = speed.contrasts["elu"]
    assert (contrast.seeds, contrast.left_out) == ((0, 2), 1)


def test_differences_are_described_by_the_paired_t_interval_and_not_tested():
    speed = speed_of(table_of({"relu": [3, 4, 6, 9], "elu": [2, 3, 3, 5]}))
    contrast = speed.contrasts["elu"]
    expected = stats.ttest_rel([2, 3, 3, 5], [3, 4, 6, 9]).confidence_interval()
    assert contrast.interval == pytest.approx(tuple(expected))
    assert math.isnan(contrast.p)
    assert contrast.result == "open"


def test_a_ratio_has_the_interval_of_its_logarithm():
    relu, elu = [3, 4, 6, 9], [2, 3, 3, 5]
    speed = speed_of(table_of({"relu": relu, "elu": elu}, pace={"elu": 1.0}))
    logs = np.log(elu) - np.log(relu)
    expected = np.exp(stats.ttest_1samp(logs, 0).confidence_interval())
    assert speed.ratios["elu"].value == pytest.approx(stats.gmean(elu) / stats.gmean(relu))
    assert speed.ratios["elu"].interval == pytest.approx(tuple(expected))


@pytest.mark.parametrize("n", [1, 2])
def test_fewer_than_three_seeds_have_no_interval(n):
    speed = speed_of(table_of({"relu": [3, 4][:n], "elu": [2, 5][:n]}))
    assert speed.contrasts["elu"].interval is None
    assert speed.ratios["elu"].interval is None


@pytest.mark.parametrize(
    ("other", "how"),
    [
        ({"cpu": "y"}, "Trials ran on different hardware, so times"),
        ({"cpu": "x", "gpu": "z"}, "Trials ran on different hardware, so times"),
        ({"cpu": "x", "threads": 2}, "Trials ran with other numbers of threads, so times"),
        ({"cpu": "x", "slots": 2}, "Trials ran beside more or fewer others, so times"),
        (
            {"cpu": "y", "threads": 2},
            "Trials ran on different hardware and with other numbers of threads, so times",
        ),
    ],
)
def test_seconds_are_compared_only_on_one_hardware_and_slot_load(other, how):
    table = table_of({"relu": [3, 4, 5], "elu": [2, 3, 4]})
    table[0] = replace(table[0], environment=other)
    assert any(how in notice for notice in notices(plan(table), table))
    speed = speed_of(table)
    assert math.isnan(speed.seconds)
    assert speed.contrasts_seconds == speed.ratios_seconds == {}
    assert set(speed.contrasts) == {"elu"}


@pytest.mark.parametrize("other", [{}, {"cpu": "x"}, {"threads": 1}])
def test_a_condition_that_was_not_recorded_does_not_differ(other):
    table = table_of({"relu": [3, 4, 5], "elu": [2, 3, 4]})
    table[0] = replace(table[0], environment=other)
    assert notices(plan(table), table) == []
    assert speed_of(table).seconds == 20.0


def test_times_compare_only_with_equal_numbers_of_processes():
    table = table_of({"relu": [3, 4, 5], "elu": [2, 3, 4]})
    own = [{"cpu": "x", "devices": {"devices": n}} for n in (1, 1, 1, 2, 2, 2)]
    table = [replace(r, environment=e) for r, e in zip(table, own, strict=True)]
    assert why_untimed(table) == "in other numbers of processes"
    assert conditions(table) == {"processes: 1": 3, "processes: 2": 3}


def test_different_numbers_of_threads_give_a_notice_on_results():
    table = table_of({"relu": [3, 4, 5], "elu": [2, 3, 4]})
    table = [replace(row, environment={"cpu": "x", "threads": 1}) for row in table]
    assert not any("CPU threads" in notice for notice in notices(plan(table), table))
    table[0] = replace(table[0], environment={"cpu": "x", "threads": 2})
    (text,) = (notice for notice in notices(plan(table), table) if "CPU threads" in notice)
    assert text.endswith("digits of float32 results: 1 (5 trials), 2 (1 trial).")


def test_trials_of_an_older_version_have_no_seconds():
    table = [replace(r, seconds=()) for r in table_of({"relu": [3, 4, 5], "elu": [2, 3, 4]})]
    speed = speed_of(table)
    assert math.isnan(speed.seconds)
    assert speed.variants["elu"].mean_epochs == 3


def test_without_a_target_there_is_no_speed():
    table = table_of({"relu": [3, 4, 5], "elu": [2, 3, 4]})
    assert analyze(plan(table), table).speed == ()


def test_a_target_set_after_planning_is_late():
    table = table_of({"relu": [3, 4, 5], "elu": [2, 3, 4]})
    first = plan(table)
    later = Part("extension", 1.0, "", replace(first.spec, target=TARGET), (), {})
    (speed,) = analyze(Plan("x", (*first.parts, later)), table).speed
    assert speed.is_late
    assert not speed_of(table).is_late


def test_times_are_nan_before_any_trial_is_done():
    table = [
        replace(r, outcome="absent", curve=(), value=math.nan) for r in table_of({"relu": [3, 4]})
    ]
    speed = speed_of(table)
    assert math.isnan(speed.epochs)
    assert math.isnan(speed.variants["relu"].mean_epochs)


def test_a_variant_that_a_look_decided_leaves_no_seed_out():
    looks = {"sizes": [3, 5], "spending": "pocock", "futility": None}
    table = table_of({"relu": [2, 2, 3, 3, 3], "elu": [4, 4, 5]})
    (own,) = analyze(plan(table, target=TARGET, looks=looks), table).speed
    assert len(own.contrasts["elu"].seeds) == 3
    assert own.contrasts["elu"].left_out == 0
