"""What CUDA graphs cannot capture is refused before training."""

import copy

import pytest
import torch

from ablab.config.compose import compose
from ablab.config.graph_faults import graph_faults
from ablab.config.trial import key_of, resolve
from ablab.faults import ConfigError

BASE = ["dataset=digits", "architecture=mlp", "architecture.widths=[8]"]


@pytest.fixture
def one_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)


def faults(*overrides: str, backend: str = "torch") -> list[str]:
    config = copy.deepcopy(compose([*BASE, *overrides]).resolved())
    return graph_faults({**config, "backend": backend})


@pytest.mark.usefixtures("one_gpu")
def test_it_is_off_unless_asked_for() -> None:
    assert compose(BASE).resolved()["devices"]["cuda_graph"] is False
    assert faults("dropout=dropout") == []
    assert faults("devices.cuda_graph=true") == []


@pytest.mark.usefixtures("one_gpu")
@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (["devices=cpu"], "training on a cpu"),
        (["dropout=dropout"], "dropout=ablab.components.dropout.dropout.Dropout, which may draw"),
        (["pooling=stochastic"], "pooling=ablab.components.pooling.stochastic"),
        (["devices.devices=2", "devices.strategy=ddp"], "several processes"),
        (["trainer.precision=bf16-mixed"], "trainer.precision=bf16-mixed"),
        (["probes=default"], "probes, which watch the layers"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_cannot_be_captured_is_named(overrides: list[str], reason: str) -> None:
    (fault,) = faults(*overrides, "devices.cuda_graph=true")
    assert fault.startswith(f"devices.cuda_graph must be false for {reason}")
    assert fault.endswith(", got true")


@pytest.mark.usefixtures("one_gpu")
def test_gradients_by_hand_are_not_captured() -> None:
    (fault,) = faults("devices.cuda_graph=true", backend="by_hand")
    assert fault == "devices.cuda_graph must be false for backend=by_hand, got true"


def test_a_trial_is_refused_before_training() -> None:
    with pytest.raises(ConfigError, match=r"devices\.cuda_graph must be false for training on a"):
        resolve(compose([*BASE, "devices=cpu", "devices.cuda_graph=true"]))
    with pytest.raises(ConfigError, match=r"devices\.cuda_graph must be true or false, got 3"):
        resolve(compose([*BASE, "devices.cuda_graph=3"]))


def test_it_is_no_part_of_the_key() -> None:
    trial = resolve(compose([*BASE, "devices=cpu"]))
    config = {**trial.config, "devices": {**trial.config["devices"], "cuda_graph": True}}
    assert key_of(config, trial.data_hash, trial.sources) == trial.key
