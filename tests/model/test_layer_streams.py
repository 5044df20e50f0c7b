"""Networks of one seed have equal initial weights in all layers that they share."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from small_networks import NETWORKS, chosen
from torch import Tensor, nn

from ablab import streams
from ablab.config.compose import components, compose
from ablab.model import build
from ablab.model.layer_streams import LayerStreams
from ablab.model.targets import PARTS

AXES = {axis: sorted(components(axis)) for axis in PARTS}
PLACED = ("batch", "group", "layer")
LARGE = {"alexnet", "googlenet", "inception_v3", "vgg"}  # every third component will do


class Data:
    """Random images of 32 pixels for a data-dependent initializer."""

    in_channels, num_classes, image_size = 1, 10, 32

    def first_images(self) -> Tensor:
        return torch.rand(4, 1, 32, 32, generator=torch.Generator().manual_seed(0))


@cache
def group(override: str, *extra: str) -> dict[str, Any]:
    """Return one group of a configuration; composed once per arguments."""
    return compose([override, *extra]).resolved()[override.partition("=")[0]]


def network(*overrides: str, seed: int = 0) -> nn.Module:
    """Return a network; overrides of a group follow its choice."""
    config: dict[str, Any] = dict(_DEFAULTS, seed=seed)
    for axis in dict.fromkeys(o.partition("=")[0].partition(".")[0] for o in overrides):
        own = [o for o in overrides if o.partition("=")[0].partition(".")[0] == axis]
        config[axis] = group(*own)
    return build.network(config, Data(), torch.Generator())[0]


_DEFAULTS = compose([]).resolved()


def layers(module: nn.Module) -> list[nn.Module]:
    """Return the architecture's own layers with weights, in order."""
    parts = [m for m in module.modules() if getattr(m, "ablab_axis", "") in PARTS]
    of_parts = {inner for part in parts for inner in part.modules()}
    return [layer for layer in module.modules() if weights(layer) and layer not in of_parts]


def weights(layer: nn.Module) -> dict[str, Tensor]:
    return {n: p.detach() for n, p in layer.named_parameters(recurse=False) if p.ndim > 1}


def check_equal(one: nn.Module, other: nn.Module) -> int:
    """Check that layers of equal shapes have equal weights; return their number."""
    equal = 0
    for first, second in zip(layers(one), layers(other), strict=True):
        ours, theirs = weights(first), weights(second)
        if [w.shape for w in ours.values()] != [w.shape for w in theirs.values()]:
            continue
        equal += 1
        assert all(w.equal(theirs[name]) for name, w in ours.items()), first
        biases = (dict(m.named_parameters(recurse=False)) for m in (first, second))
        mine, others = ({n: p for n, p in b.items() if p.ndim == 1} for b in biases)
        assert all(mine[n].equal(others[n]) for n in mine.keys() & others.keys()), first
    return equal


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_component_does_not_change_other_layers_weights(name: str, axis: str) -> None:
    own = chosen(name)
    base = network(*own)
    choices = [(f"{axis}={part}",) for part in AXES[axis][:: 3 if name in LARGE else 1]]
    if axis == "normalization":
        choices += [(f"{axis}={part}", f"{axis}.placement=after") for part in PLACED]
    built = 0
    for choice in choices:
        try:
            other = network(*own, *choice)
        except ValueError as error:  # a dropout that does not apply, a map without pixels
            if "must be one that the architecture has" not in str(error):
                raise
            continue
        built += 1
        # a pooling may change the size of the map, and with it the shape of a layer
        assert check_equal(base, other) >= len(layers(base)) - 2 * (axis == "pooling"), choice
    assert built


INITIALIZERS = [name for name in components("initializer") if name != "lsuv"]


@pytest.mark.parametrize("initializer", INITIALIZERS)
@pytest.mark.parametrize("name", ["resnet20", "densenet100", "cnn locally_connected", "lstm"])
def test_an_initializers_draws_do_not_depend_on_the_components(name: str, initializer: str) -> None:
    own = [*chosen(name), f"initializer={initializer}"]
    plain = network(*own)
    other = network(*own, "normalization=batch", "pooling=strided_conv", "activation=prelu")
    assert check_equal(plain, other) == len(layers(plain)) > 1


def test_lsuv_scales_equal_draws() -> None:
    own = ("architecture=resnet20", "initializer=lsuv")
    pairs = zip(layers(network(*own)), layers(network(*own, "normalization=batch")), strict=True)
    for one, other in pairs:
        ratio = one.weight / other.weight
        torch.testing.assert_close(ratio, ratio.flatten()[:1].expand_as(ratio))


@pytest.mark.parametrize("initializer", ["default", "kaiming", "orthogonal"])
def test_layers_of_one_shape_have_different_weights(initializer: str) -> None:
    for seed in (0, 1):
        module = network("architecture=resnet20", f"initializer={initializer}", seed=seed)
        starts = [tuple(layer.weight.flatten()[:8].tolist()) for layer in layers(module)]
        assert len(set(starts)) == len(starts) == 20


def test_another_seed_changes_all_weights() -> None:
    one, two = (network("architecture=resnet20", seed=seed).parameters() for seed in (0, 1))
    assert not any(a.equal(b) for a, b in zip(one, two, strict=True))


def test_a_plain_network_equals_the_residual_one_initially() -> None:
    plain, residual = network("architecture=plain20"), network("architecture=resnet20")
    assert check_equal(plain, residual) == 20


def test_auxiliary_heads_do_not_change_other_layers_weights() -> None:
    for name in ("googlenet", "inception_v3"):
        with_heads, without = (
            network(f"architecture={name}", f"architecture.auxiliary={word}")
            for word in ("true", "false")
        )
        own = dict(without.named_parameters())
        extra = dict(with_heads.named_parameters())
        assert own.keys() < extra.keys()
        assert all(value.equal(extra[key]) for key, value in own.items())


# Networks of a user.


def built(make: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    with streams.fork_rng(seed, "init"), LayerStreams(seed):
        return make()


def convolutions(bias: bool) -> nn.Module:
    norm = [] if bias else [nn.BatchNorm2d(8)]
    layers: list[nn.Module] = []
    for inputs in (3, 8, 8):
        layers += [nn.Conv2d(inputs, 8, 3, bias=bias), *norm, nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32, 8), nn.Linear(8, 5))


def test_a_users_network_has_equal_weights_with_and_without_biases() -> None:
    with_bias, without = (built(lambda b=b: convolutions(b)) for b in (True, False))
    assert check_equal(with_bias, without) == 5


def test_a_users_initialization_in_the_constructor_is_kept() -> None:
    class Own(nn.Module):
        def __init__(self, bias: bool) -> None:
            super().__init__()
            self.layers = convolutions(bias)
            nn.utils.convert_conv2d_weight_memory_format(self, torch.channels_last)
            self.position = nn.Parameter(0.02 * torch.randn(1, 4, 8))
            self.token = nn.Parameter(torch.zeros(8))
            nn.init.trunc_normal_(self.token, std=0.5)
            for layer in self.modules():
                if isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_normal_(layer.weight, mode="fan_out")

    one, two = (built(lambda b=b: Own(b)) for b in (True, False))
    assert one.position.equal(two.position)
    assert one.token.equal(two.token)
    assert check_equal(one, two) > 5
    assert one.layers[0].weight.std().item() == pytest.approx((2 / 72) ** 0.5, rel=0.2)
    assert one.token.std() > 0.2


def test_tied_parametrized_attention_and_recurrent_layers_have_equal_weights() -> None:
    def make(extra: bool) -> nn.Module:
        first = [nn.Linear(7, 5, bias=extra)] * extra
        tied = nn.Linear(4, 4), nn.Linear(4, 4, bias=not extra)
        tied[1].weight = tied[0].weight
        weight_norm = nn.utils.parametrizations.weight_norm(nn.Linear(4, 6))
        spectral = nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 8, 3))
        attention = nn.MultiheadAttention(8, 2)
        recurrent = nn.LSTM(4, 6, num_layers=2, bidirectional=True), nn.GRU(4, 6)
        return nn.ModuleList([*tied, weight_norm, spectral, attention, *recurrent, *first])

    one, two = (dict(built(lambda e=e: make(e)).named_parameters()) for e in (True, False))
    assert len(two) > 20
    for name, value in two.items():
        if name in one:
            assert value.equal(one[name]), name


def test_lazy_layers_have_equal_weights_after_materialization() -> None:
    def make(bias: bool) -> nn.Module:
        module = nn.Sequential(nn.LazyConv2d(8, 3, bias=bias), nn.Flatten(), nn.LazyLinear(5))
        module(torch.zeros(1, 3, 6, 6))
        return module

    one, two = (built(lambda b=b: make(b)) for b in (True, False))
    assert one[0].weight.equal(two[0].weight)
    assert one[2].weight.equal(two[2].weight)
    assert one[0].weight.std() > 0


def test_an_explicit_generator_is_not_affected() -> None:
    def make() -> nn.Module:
        layer = nn.Linear(4, 3)
        nn.init.normal_(layer.weight, generator=torch.Generator().manual_seed(7))
        return layer

    expected = torch.empty(3, 4).normal_(generator=torch.Generator().manual_seed(7))
    assert built(make).weight.equal(expected)


def test_building_restores_the_global_generators_and_removes_hooks() -> None:
    before = torch.get_rng_state()
    module = built(lambda: convolutions(True))
    assert torch.get_rng_state().equal(before)
    torch.manual_seed(0)
    fresh = nn.Conv2d(3, 8, 3)
    torch.manual_seed(0)
    assert nn.Conv2d(3, 8, 3).weight.equal(fresh.weight)
    assert not module[0].weight.equal(fresh.weight)


def test_a_network_is_built_on_the_meta_device() -> None:
    with torch.device("meta"):
        config = compose(["architecture=resnet20", "initializer=orthogonal"]).resolved()
        module = build.network(config, Data(), torch.Generator())[0]
    assert all(p.is_meta for p in module.parameters())
