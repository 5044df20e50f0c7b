"""Parameters and FLOPs of networks that can be counted by hand."""

import pytest

from ablab.config.compose import compose
from ablab.model import build
from ablab.training import cost


def _size(*overrides: str) -> tuple[int, int]:
    config = compose(overrides).resolved()
    data = build.datamodule(config)
    module = build.classifier(config, data)
    module.network.train()
    counted = cost.size(module.network, data)
    assert module.network.training
    return counted


def test_lenet5_is_counted_as_by_hand() -> None:
    parameters, flops = _size("architecture=lenet5", "dropout=dropout")
    assert parameters == 61_706
    convolutions = 28 * 28 * 6 * 25 + 10 * 10 * 16 * 6 * 25
    matrices = 400 * 120 + 120 * 84 + 84 * 10
    assert flops == 2 * (convolutions + matrices)


def test_mlp_is_counted_as_by_hand() -> None:
    sizes = _size("architecture=mlp", "architecture.widths=[7]", "normalization=batch")
    assert sizes == (1024 * 7 + 7 + 2 * 7 + 7 * 10 + 10, 2 * (1024 * 7 + 7 * 10))


def test_counting_does_not_change_running_statistics() -> None:
    config = compose(["normalization=batch"]).resolved()
    data = build.datamodule(config)
    network = build.classifier(config, data).network
    before = {name: value.clone() for name, value in network.state_dict().items()}
    cost.size(network, data)
    assert all(value.equal(before[name]) for name, value in network.state_dict().items())


def test_counts_do_not_depend_on_precision() -> None:
    config = compose().resolved()
    data = build.datamodule(config)
    network = build.classifier(config, data).network
    assert cost.size(network.double(), data) == _size()


def test_a_few_steps_are_measured() -> None:
    measured = cost.measure(compose(["architecture=mlp", "architecture.widths=[7]"]).resolved())
    assert measured.steps_per_epoch == 1150 // 128
    assert measured.step_seconds > 0
    assert measured.weight_bytes == 4 * measured.parameters
    assert measured.checkpoint_bytes >= 3 * 4 * measured.parameters  # Adam has two moments


def test_bytes_include_the_state_of_lbfgs() -> None:
    lbfgs = ["architecture=mlp", "architecture.widths=[7]", "optimizer=lbfgs"]
    measured = cost.measure(compose(lbfgs).resolved())
    history = 2 * 10  # steps and differences of gradients
    assert measured.checkpoint_bytes >= 4 * (1 + history) * measured.parameters


@pytest.mark.parametrize(
    ("cell", "gates", "biases"), [("srn", 1, 1), ("lstm", 4, 2), ("gru", 3, 2)]
)
def test_recurrences_are_counted_as_by_hand(cell: str, gates: int, biases: int) -> None:
    parameters, flops = _size(f"architecture={cell}", "architecture.hidden=7")
    assert parameters == gates * 7 * (32 + 7 + biases) + 7 * 10 + 10
    first_context = 7 * 7 if cell == "srn" else 0  # ablab's has no initial context
    assert flops == 2 * (32 * gates * 7 * (32 + 7) - first_context + 7 * 10)
