"""Residual networks and their plain counterparts against published values."""

import pytest
import torch
import torch.nn.functional as F
from networks import Parts, axes_used, network, num_parameters, weightless
from torch import Tensor, nn

from ablab.components.architecture.resnet_block import PaddedShortcut


def size_of(name: str, num_classes: int = 10, image_size: int = 32, **options: object) -> int:
    contract = {"in_channels": 3, "num_classes": num_classes, "image_size": image_size}
    return num_parameters(weightless(name, Parts(normalization="batch"), **contract, **options))


def test_it_uses_these_axes() -> None:
    assert axes_used("resnet18") == {"activation", "normalization", "dropout"}
    assert axes_used("resnet18", image_size=65) == axes_used("resnet18") | {"pooling"}


@pytest.mark.parametrize(("num_classes", "expected"), [(10, 11_173_962), (100, 11_220_132)])
def test_resnet18_has_its_published_size(num_classes: int, expected: int) -> None:
    assert size_of("resnet18", num_classes) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("resnet18", 11_689_512), ("resnet34", 21_797_672), ("resnet50", 25_557_032)],
)
def test_imagenets_networks_have_their_published_sizes(name: str, expected: int) -> None:
    assert size_of(name, 1000, 224) == expected


def by_arithmetic(n: int) -> int:
    """Return the parameters of 6n + 2 layers: kernels, norms and the linear layer."""
    kernels = 3 * 16 + 2 * n * 16 * 16
    for inputs, outputs in ((16, 32), (32, 64)):
        kernels += inputs * outputs + (2 * n - 1) * outputs * outputs
    return 9 * kernels + 2 * (16 + 2 * n * (16 + 32 + 64)) + 64 * 10 + 10


@pytest.mark.parametrize(
    ("name", "millions"), [("resnet20", 0.27), ("resnet56", 0.85), ("resnet110", 1.73)]
)
def test_cifars_networks_have_their_published_sizes(name: str, millions: float) -> None:
    assert size_of(name) == by_arithmetic((int(name[6:]) - 2) // 6)
    assert round(size_of(name) / 1e6, 2) == millions


@pytest.mark.parametrize("depth", [8, 32, 44])
def test_depth_counts_the_layers(depth: int) -> None:
    module = weightless("resnet20", depth=depth, image_size=32)
    layers = [m for m in module.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == depth


@pytest.mark.parametrize("depth", [2, 7, 21, -4])
def test_an_impossible_depth_is_refused(depth: int) -> None:
    with pytest.raises(ValueError, match=rf"depth must be 6n \+ 2 for n >= 1, got {depth}"):
        network("resnet20", depth=depth)


@pytest.mark.parametrize("depth", [20, 56])
def test_a_plain_network_is_the_residual_one_without_shortcuts(depth: int) -> None:
    twin = weightless(f"plain{depth}", Parts(normalization="batch"), image_size=32)
    residual = weightless(f"resnet{depth}", Parts(normalization="batch"), image_size=32)
    shapes = [
        {name: tensor.shape for name, tensor in m.state_dict().items()} for m in (twin, residual)
    ]
    assert shapes[0] == shapes[1]
    assert all(block.shortcut is None for block in twin.stages)


def test_plain_and_residual_network_have_the_same_initial_weights() -> None:
    weights = []
    for name in ("plain20", "resnet20"):
        torch.manual_seed(0)
        weights.append(network(name).state_dict())
    assert all(weights[0][key].equal(weights[1][key]) for key in weights[1])


def test_a_plain_block_is_its_activated_residual() -> None:
    block = network("plain20").stages[0]
    x = torch.randn(2, 16, 4, 4)
    assert block(x).equal(block.residual(x).relu())


def test_a_padded_shortcut_agrees_with_a_fixed_projection() -> None:
    x = torch.randn(2, 3, 7, 7, dtype=torch.float64, requires_grad=True)
    kernel = torch.eye(3, dtype=torch.float64)
    kernel = torch.cat([kernel, torch.zeros(5, 3, dtype=torch.float64)])[..., None, None]
    expected = F.conv2d(x, kernel, stride=2)
    found = PaddedShortcut(5, 2)(x)
    assert found.equal(expected)
    weight = torch.randn_like(found)
    gradients = [torch.autograd.grad((y * weight).sum(), x)[0] for y in (found, expected)]
    assert gradients[0].equal(gradients[1])


@pytest.mark.parametrize("shortcut", ["padded", "projected"])
def test_both_shortcuts_train(shortcut: str) -> None:
    module = network("resnet20", Parts(normalization="batch"), depth=8, shortcut=shortcut)
    module(torch.randn(2, 1, 16, 16)).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())


@pytest.mark.parametrize(
    ("size", "stem", "last"), [(32, 32, 4), (28, 28, 4), (64, 64, 8), (65, 17, 3), (224, 56, 7)]
)
def test_stem_fits_the_image(size: int, stem: int, last: int) -> None:
    module = weightless("resnet50", in_channels=3, image_size=size)
    found: Tensor = module.stem(torch.zeros(1, 3, size, size, device="meta"))
    assert found.shape == (1, 64, stem, stem)
    assert module.stages(found).shape == (1, 2048, last, last)


def test_resnet18_has_a_bias_unless_it_is_redundant() -> None:
    for normalization, biased in (("none", True), ("batch", False)):
        module = weightless("resnet18", Parts(normalization=normalization))
        convolutions = [m for m in module.modules() if isinstance(m, nn.Conv2d)]
        assert len(convolutions) == 20
        assert all((m.bias is not None) == biased for m in convolutions)


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_a_block_without_residual_is_its_shortcut(name: str) -> None:
    module = network(name, Parts(normalization="batch"), blocks=[2])
    block = module.stages[1]
    nn.init.zeros_(block.residual[-2][1].weight)
    x = torch.rand(2, *block.activation(module.stages[0](torch.rand(2, 64, 8, 8))).shape[1:])
    assert block(x).equal(x)


@pytest.mark.parametrize("name", ["resnet18", "resnet20", "plain20"])
def test_units_are_dropped_before_the_linear_layer(name: str) -> None:
    module = weightless(name, Parts(dropout={"name": "dropout"}))
    assert [type(m).__name__ for m in module.modules()].count("Dropout") == 1
    assert type(module.head[2]).__name__ == "Dropout"


@pytest.mark.parametrize("blocks", [[], [2, 0], [1.5]])
def test_a_stage_without_blocks_is_refused(blocks: list[float]) -> None:
    with pytest.raises(ValueError, match=r"blocks must be positive integers, got \["):
        network("resnet18", blocks=blocks)


def test_a_width_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="width must be >= 1, got 0"):
        network("resnet18", width=0)
