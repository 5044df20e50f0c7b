"""A metric that the trials would lack is refused before anything is trained."""

import pytest

from ablab.faults import ConfigError
from ablab.sweep.metrics import check_metric, lacking
from ablab.sweep.planning import plan_sweep


def faults_of(metric: str, *overrides: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as error:
        plan_sweep("demo", [f"sweep.metric={metric}", "sweep.seeds=1", *overrides])
    return error.value.faults


def test_a_name_that_is_no_metric_is_refused_with_the_nearest() -> None:
    (fault,) = faults_of("test/acuracy")
    assert fault.startswith("sweep.metric must be one of those that `ablab list metric` names, ")
    assert fault.endswith("got 'test/acuracy' (did you mean test/accuracy?)")


@pytest.mark.parametrize(
    ("metric", "overrides", "fault"),
    [
        ("speed/epochs", ["sweep.target=null"], "sweep.target must be a validation accuracy in "),
        (
            "probe/dead",
            [],
            "probes.activations must be true where sweep.metric is probe/dead, ",
        ),
        ("test/accuracy_noise_0.2", [], "data.test_noise must list 0.2 where sweep.metric is "),
        ("test/loss_shift_2", ["data.test_shift=[1]"], "data.test_shift must list 2 where "),
    ],
)
def test_a_metric_names_the_setting_that_it_needs(
    metric: str, overrides: list[str], fault: str
) -> None:
    (got,) = faults_of(metric, *overrides)
    assert got.startswith(fault)


def test_with_that_setting_there_is_no_fault() -> None:
    configs = [{"data": {"test_noise": [0.1, 0.2]}}]
    probes = {"activations": True}
    for name in ("test/accuracy_noise_0.2", "probe/dead", "speed/seconds", "flops"):
        faults: list[str] = []
        check_metric("sweep.metric", name, faults)
        assert faults + lacking("sweep.metric", name, 0.9, probes, configs) == []
