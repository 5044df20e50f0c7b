import pytest

from ablab.config.compose import compose
from ablab.config.probe_switches import SWITCHES
from ablab.data.perturbation import KINDS, Perturbation
from ablab.tracking.metrics import EXACT, METRICS, TIMED, find_metric, strength


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", [0.1, 2.0, -0.25, 1e-5])
@pytest.mark.parametrize("suffix", ["", "_last"])
def test_each_level_of_a_perturbation_is_a_metric(kind: str, level: float, suffix: str) -> None:
    name = f"test/accuracy_{Perturbation(kind, level).name}{suffix}"
    metric = find_metric(name)
    assert metric is not None
    assert metric.needs == f"data.test_{kind}"
    assert strength(name) == level


@pytest.mark.parametrize("name", ["test/accuracy_blur_1", "accuracy", "test/", None, 3, "noise"])
def test_other_names_are_no_metrics(name: object) -> None:
    assert find_metric(name) is None


def test_what_a_metric_needs_can_be_set() -> None:
    config = compose().resolved()
    for metric in METRICS.values():
        group, _, key = metric.needs.partition(".")
        if group == "probes":
            assert key in SWITCHES
        elif group == "data":
            assert config["data"][key] == []
        else:
            assert metric.needs in ("", "sweep.target")
    assert {*EXACT, *TIMED} <= METRICS.keys()
    assert all(metric.goal in ("max", "min") for metric in METRICS.values())
