"""Tests of SRN, LSTM and GRU."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import Parts, axes_used, network, num_parameters
from torch import Tensor, nn

from ablab.components.architecture.srn import SimpleRecurrent

TORCHS: dict[str, type[nn.RNNBase]] = {"srn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
CELLS = pytest.mark.parametrize("cell", list(TORCHS))


def test_they_use_these_axes() -> None:
    assert axes_used("srn") == {"activation", "dropout"}
    assert axes_used("lstm") == axes_used("gru") == {"dropout"}


@pytest.mark.parametrize(
    ("cell", "gates", "biases"), [("srn", 1, 1), ("lstm", 4, 2), ("gru", 3, 2)]
)
def test_numbers_of_parameters_follow_the_formula(cell: str, gates: int, biases: int) -> None:
    module = network(cell, in_channels=3, image_size=28, hidden=50, layers=2, bidirectional=True)
    first, second = (gates * 50 * (inputs + 50 + biases) for inputs in (28 * 3, 100))
    assert num_parameters(module) == 2 * first + 2 * second + 100 * 10 + 10


@settings(derandomize=True, deadline=None, max_examples=30)
@given(
    *(st.integers(1, 6) for _ in range(4)),
    st.sampled_from([("tanh", nn.Tanh), ("relu", nn.ReLU)]),
)
def test_the_layer_equals_torchs_where_torch_has_the_activation(
    count: int, length: int, features: int, hidden: int, chosen: tuple[str, type[nn.Module]]
) -> None:
    name, activation = chosen
    ours = SimpleRecurrent(features, hidden, lambda channels: activation()).double()
    torchs = nn.RNN(features, hidden, nonlinearity=name, batch_first=True).double()
    _copy(ours, torchs)
    x = torch.randn(count, length, features, dtype=torch.float64, requires_grad=True)
    y = x.detach().clone().requires_grad_()
    for found, expected in zip(ours(x), torchs(y), strict=True):
        torch.testing.assert_close(found, expected)
    ours(x)[0].square().sum().backward()
    torchs(y)[0].square().sum().backward()
    expected = {name: parameter.grad for name, parameter in torchs.named_parameters()}
    torch.testing.assert_close(x.grad, y.grad)
    torch.testing.assert_close(ours.input.weight.grad, expected["weight_ih_l0"])
    torch.testing.assert_close(ours.input.bias.grad, expected["bias_ih_l0"])
    if length > 1:
        torch.testing.assert_close(ours.context.weight.grad, expected["weight_hh_l0"])


@torch.no_grad()
def _copy(layer: nn.Module, torchs: nn.RNNBase, suffix: str = "l0") -> None:
    """Give torch's layer the weights of one of ours, or of another of torch's."""
    weights: dict[str, Any] = dict(torchs.named_parameters())
    if isinstance(layer, SimpleRecurrent):
        weights[f"weight_ih_{suffix}"].copy_(layer.input.weight)
        weights[f"bias_ih_{suffix}"].copy_(layer.input.bias)
        weights[f"weight_hh_{suffix}"].copy_(layer.context.weight)
        weights[f"bias_hh_{suffix}"].zero_()
        return
    for name, parameter in layer.named_parameters():
        weights[name.replace("l0", suffix)].copy_(parameter)


@CELLS
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("readout", ["last", "average"])
def test_layers_and_directions_are_torchs(cell: str, bidirectional: bool, readout: str) -> None:
    module = network(
        cell,
        Parts(activation="tanh"),
        image_size=9,
        hidden=5,
        layers=2,
        bidirectional=bidirectional,
        readout=readout,
    ).double()
    torchs = TORCHS[cell](9, 5, 2, batch_first=True, bidirectional=bidirectional).double()
    for depth, layer in enumerate(module.layers):
        for way, suffix in zip(layer.directions, ("", "_reverse"), strict=False):
            _copy(way, torchs, f"l{depth}{suffix}")
    x = torch.randn(3, 1, 9, 9, dtype=torch.float64)
    states, last = torchs(x.squeeze(1))
    last = last[0] if cell == "lstm" else last
    directions = 2 if bidirectional else 1
    read = states.mean(1) if readout == "average" else torch.cat(list(last[-directions:]), 1)
    torch.testing.assert_close(module(x), module.head(read))


@CELLS
def test_columns_are_the_rows_of_the_transposed_image(cell: str) -> None:
    rows = network(cell, in_channels=2, image_size=6, read="rows")
    columns = network(cell, in_channels=2, image_size=6, read="columns")
    columns.load_state_dict(rows.state_dict())
    x = torch.randn(2, 2, 6, 6)
    torch.testing.assert_close(columns(x.transpose(2, 3)), rows(x))


@pytest.mark.parametrize("layers", [1, 2])
def test_dropout_is_not_on_recurrent_connections(layers: int) -> None:
    parts = Parts(dropout={"name": "dropout", "p": 0.5})
    kinds = [type(m).__name__ for m in network("gru", parts, layers=layers).modules()]
    assert kinds.count("Dropout") == layers
    assert all(m.dropout == 0 for m in network("gru", parts).modules() if isinstance(m, nn.GRU))


def test_spatial_dropout_drops_a_unit_at_all_times() -> None:
    parts = Parts(activation="sigmoid", dropout={"name": "spatial", "p": 0.5})
    module = network("srn", parts, layers=2, image_size=8)
    seen: list[Tensor] = []
    module.layers[1].register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    module(torch.rand(4, 1, 8, 8))
    silent = seen[0] == 0
    assert silent.any()
    assert silent.all(1).equal(silent.any(1))


def test_spatial_dropout_has_no_site_with_one_layer() -> None:
    parts = Parts(dropout="spatial")
    network("srn", parts, layers=1)
    assert "dropout" not in parts.used


@pytest.mark.parametrize(
    ("option", "fault"),
    [
        ({"cell": "rnn"}, "cell must be one of srn, lstm, gru, got rnn"),
        ({"read": "diagonals"}, "read must be one of rows, columns, pixels, got diagonals"),
        ({"hidden": 0}, "hidden must be an integer >= 1, got 0"),
        ({"layers": 1.5}, "layers must be an integer >= 1, got 1.5"),
        ({"readout": "max"}, "readout must be one of last, average, got max"),
    ],
)
def test_an_invalid_option_is_refused(option: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        network("lstm", image_size=8, **option)
