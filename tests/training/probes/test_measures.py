"""Each probe against a closed form or a plain computation; measuring has no side effects."""

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from ablab.training.probes.activations import activation_statistics, drift, moments
from ablab.training.probes.callback import summarize
from ablab.training.probes.gradients import gradient_changes, gradients
from ablab.training.probes.layers import activations, hooked, layers, norm, state_restored
from ablab.training.probes.receptive_field import receptive_fields


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))


def loss_of(y: Tensor):
    return lambda logits: nn.functional.cross_entropy(logits, y)


def test_statistics_of_relu() -> None:
    x = torch.tensor([[1.0, -1.0, -2.0], [3.0, 2.0, 0.0]])
    values = activation_statistics(nn.ReLU(), x, x.relu())
    assert values["activation_mean"] == pytest.approx(1.0)
    assert values["activation_variance"] == pytest.approx((0 + 1 + 1 + 4 + 1 + 1) / 6)
    assert values["sparsity"] == values["saturated"] == pytest.approx(0.5)
    assert values["dead"] == pytest.approx(1 / 3)  # the last unit


def test_a_channel_is_dead_only_if_all_positions_are() -> None:
    x = torch.full((2, 2, 3, 3), -1.0)
    x[1, 1, 2, 2] = 1.0
    assert activation_statistics(nn.ReLU(), x, x.relu())["dead"] == 0.5


def test_tanh_is_saturated_where_its_slope_is_small() -> None:
    x = torch.linspace(-4, 4, 101)[:, None]
    values = activation_statistics(nn.Tanh(), x, x.tanh())
    assert values["saturated"] == pytest.approx(float(((1 - x.tanh() ** 2) < 0.05).float().mean()))
    assert values["dead"] == 0


def test_an_inplace_activation_has_the_same_statistics() -> None:
    plain, inplace = (nn.Sequential(nn.Linear(3, 8), nn.ReLU(inplace=i)) for i in (False, True))
    inplace.load_state_dict(plain.state_dict())
    found: list[dict[str, float]] = []

    def keep(_: str, module: nn.Module, x: Tensor, y: Tensor) -> None:
        found.append(activation_statistics(module, x, y))

    x = torch.randn(16, 3)
    for network in (plain, inplace):
        with hooked(activations(network), keep):
            network(x)
    assert found[0] == found[1]


def test_softmax_is_not_an_elementwise_activation() -> None:
    network = nn.Sequential(nn.Softmax(1), nn.PReLU(), nn.Linear(2, 2))
    assert list(activations(network)) == ["1"]
    assert list(layers(network)) == ["2"]


def test_drift_is_in_previous_standard_deviations() -> None:
    x = torch.randn(50, 3, 4, 4)
    deviation = float(x.var(dim=(0, 2, 3), correction=0).mean().sqrt())
    assert drift(moments(x), moments(x + 2)) == pytest.approx(2 / deviation, rel=1e-5)
    assert drift(moments(x), moments(x)) == 0
    assert drift(moments(torch.ones(4, 2)), moments(torch.zeros(4, 2))) == math.inf


def test_gradients_are_those_of_backward_and_leave_grad_alone() -> None:
    network, x, y = net(), torch.randn(7, 5), torch.tensor([0, 1, 1, 0, 1, 0, 0])
    found = gradients(network, layers(network), x, loss_of(y))
    assert all(p.grad is None for p in network.parameters())
    loss_of(y)(network(x)).backward()
    for name, layer in layers(network).items():
        expected = [p.grad for p in layer.parameters()]
        torch.testing.assert_close(found[name], expected)
        assert norm(found[name]) == pytest.approx(
            math.sqrt(sum(float(g.square().sum()) for g in expected if g is not None))
        )


def test_gradient_change_equals_that_of_a_copy_with_updated_earlier_layers() -> None:
    network, x, y, lr = net(), torch.randn(7, 5), torch.tensor([0, 1, 1, 0, 1, 0, 0]), 0.7
    found = gradient_changes(network, layers(network), x, loss_of(y), lr)
    assert list(found) == ["2", "4"]
    before = gradients(network, layers(network), x, loss_of(y))
    moved = copy.deepcopy(network)
    with torch.no_grad():
        for number in (0, 2):
            for p, g in zip(moved[number].parameters(), before[str(number)], strict=True):
                p.sub_(lr * g)
    now = gradients(moved, layers(moved), x, loss_of(y))["4"]
    a, b = (torch.cat([g.flatten() for g in gs]) for gs in (before["4"], now))
    assert found["4"]["gradient_change"] == pytest.approx(float((a - b).norm() / a.norm()))
    cosine = float(nn.functional.cosine_similarity(a, b, dim=0))
    assert found["4"]["gradient_cosine"] == pytest.approx(cosine)


def test_frozen_parameters_have_no_gradient() -> None:
    network, y = net(), torch.tensor([0, 1])
    network[2].weight.requires_grad_(False)
    found = gradients(network, layers(network), torch.randn(2, 5), loss_of(y))
    assert len(found["2"]) == 1


def test_receptive_field_of_equal_weights_is_the_theoretical_one() -> None:
    convolutions = [nn.Conv2d(1, 1, 3, padding=1, bias=False) for _ in range(2)]
    network = nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(121, 2))
    for convolution in convolutions:
        nn.init.constant_(convolution.weight, 0.1)
    sides = receptive_fields(network, layers(network), torch.randn(2, 1, 11, 11))
    assert sides == pytest.approx({"0": 3.0, "1": 5.0})


def test_receptive_field_excludes_small_gradients() -> None:
    network = nn.Conv2d(1, 1, 3, padding=1)
    with torch.no_grad():
        network.weight.fill_(0.04)
        network.weight[0, 0, 1, 1] = 1.0
    assert receptive_fields(network, {"": network}, torch.randn(2, 1, 7, 7)) == {"": 1.0}


def test_all_state_is_restored() -> None:
    generator = torch.Generator().manual_seed(3)
    network = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(), nn.Linear(3, 2))
    network[0].eval()
    buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
    states = torch.get_rng_state(), generator.get_state()
    with state_restored(network, generator, seed=0, epoch=1):
        network.train()
        network(torch.randn(4, 3))
        torch.rand(2, generator=generator)
    torch.testing.assert_close(dict(network.named_buffers()), buffers, rtol=0, atol=0)
    assert [m.training for m in network] == [False, True, True]
    assert torch.equal(torch.get_rng_state(), states[0])
    assert torch.equal(generator.get_state(), states[1])


def test_each_measurement_draws_the_same() -> None:
    draws = []
    for _ in range(2):
        with state_restored(nn.Linear(1, 1), None, seed=0, epoch=1):
            draws.append(torch.rand(3))
    assert torch.equal(*draws)


def test_summary_has_means_the_gradient_ratio_and_the_last_receptive_field() -> None:
    values = {
        "a": {"gradient_norm": 1.0, "receptive_field": 3.0},
        "b": {"gradient_norm": 4.0, "receptive_field": 5.0},
    }
    assert summarize(values) == {
        "gradient_norm": 2.5,
        "gradient_norm_first_to_last": 0.25,
        "receptive_field": 5.0,
    }
