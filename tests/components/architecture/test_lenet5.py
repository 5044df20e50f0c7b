"""LeNet-5 against published values."""

import pytest
import torch
from contract import build
from networks import Parts, axes_used, network, num_parameters
from torch import nn

from ablab.components.architecture.connection_table import TABLE, TableConv2d
from ablab.components.architecture.radial_basis import RadialBasis


def test_it_uses_every_axis() -> None:
    assert axes_used("lenet5") == {"activation", "pooling", "normalization", "dropout"}


@pytest.mark.parametrize("image_size", [28, 32])
def test_it_has_its_published_size(image_size: int) -> None:
    assert num_parameters(network("lenet5", image_size=image_size)) == 61_706


@pytest.mark.parametrize("image_size", [28, 32])
def test_shapes_are_those_of_1998(image_size: int) -> None:
    module = network("lenet5", image_size=image_size)
    shapes: list[tuple[int, ...]] = []
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.Linear):
            layer.register_forward_hook(lambda _, __, out: shapes.append(tuple(out.shape[1:])))
    module(torch.randn(1, 1, image_size, image_size))
    assert shapes == [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120,), (84,), (10,)]


@pytest.mark.parametrize("image_size", [16, 17, 27, 29, 64])
def test_size_of_the_first_linear_layer_follows_the_formula(image_size: int) -> None:
    side = ((image_size - 4) // 2 - 4) // 2
    linear = [
        m for m in network("lenet5", image_size=image_size).modules() if isinstance(m, nn.Linear)
    ]
    assert linear[0].in_features == 16 * side**2


def test_a_pooling_that_keeps_the_shape_works() -> None:
    builders = Parts().builders | {"pooling": lambda channels: nn.Identity()}
    module = build(
        "architecture", "lenet5", in_channels=1, num_classes=10, image_size=20, **builders
    )
    assert module(torch.randn(2, 1, 20, 20)).shape == (2, 10)


def kinds(module: nn.Module) -> list[str]:
    """Return the layers that do something, in order."""
    leaves = [m for m in module.modules() if not list(m.children())]
    return [type(m).__name__ for m in leaves if not isinstance(m, nn.Identity)]


def test_parts_are_in_the_documented_order() -> None:
    conv = ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"]
    linear = ["Linear", "BatchNorm1d", "ReLU", "Dropout"]
    found = kinds(network("lenet5", Parts(normalization="batch", dropout="dropout")))
    assert found == [*conv, *conv, "Flatten", *linear, *linear, "Linear"]


def test_a_normalization_may_follow_its_activation() -> None:
    after = {"name": "batch", "placement": "after"}
    found = kinds(network("lenet5", Parts(normalization=after)))
    assert found[:4] == ["Conv2d", "ReLU", "BatchNorm2d", "MaxPool2d"]


def test_dropout_of_maps_follows_each_pooling() -> None:
    found = kinds(network("lenet5", Parts(dropout="spatial")))
    conv = ["Conv2d", "ReLU", "MaxPool2d", "SpatialDropout"]
    assert found[:9] == [*conv, *conv, "Flatten"]
    assert found.count("SpatialDropout") == 2


def test_1998_has_sixty_thousand_parameters() -> None:
    parts = Parts(activation="scaled_tanh", pooling="trainable_subsampling")
    module = network("lenet5_1998", parts, image_size=32)
    assert num_parameters(module) == 60_000
    layers = dict(module.named_modules())
    assert num_parameters(layers["features.0"]) == 156
    assert [num_parameters(m) for m in module.modules() if isinstance(m, TableConv2d)] == [1516]


def test_1998_has_an_activation_after_each_pooling() -> None:
    found = kinds(network("lenet5_1998", Parts(activation="tanh")))
    assert found[:4] == ["Conv2d", "Tanh", "MaxPool2d", "Tanh"]
    assert found[-3:] == ["Linear", "Tanh", "RadialBasis"]


def test_s0_is_todays_network() -> None:
    x = torch.randn(2, 1, 28, 28)
    outputs = []
    for name in ("lenet5", "lenet5_s0"):
        torch.manual_seed(0)
        outputs.append(network(name, image_size=28)(x))
    assert outputs[0].equal(outputs[1])


def test_table_has_sixty_connections() -> None:
    assert sum(map(len, TABLE)) == 60
    assert all(len(set(reads)) == len(reads) and set(reads) <= set(range(6)) for reads in TABLE)
    # as the paper has it, each map of S2 is read by ten of C3's
    assert [sum(plane in reads for reads in TABLE) for plane in range(6)] == [10] * 6


def test_table_is_a_full_convolution_with_zeros() -> None:
    layer = TableConv2d(5).double()
    full = nn.Conv2d(6, 16, 5).double()
    with torch.no_grad():
        full.weight.zero_()
        kernels = [*layer.threes.weight, *layer.fours.weight, *layer.all.weight]
        for plane, (reads, kernel) in enumerate(zip(TABLE, kernels, strict=True)):
            full.weight[plane, reads] = kernel
        full.bias.copy_(torch.cat([layer.threes.bias, layer.fours.bias, layer.all.bias]))
    x = torch.randn(3, 6, 9, 9, dtype=torch.float64)
    inputs = [x.clone().requires_grad_() for _ in range(2)]
    outputs = [module(y) for module, y in zip((layer, full), inputs, strict=True)]
    for output in outputs:
        output.square().sum().backward()
    torch.testing.assert_close(outputs[0], outputs[1])
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad)


def test_radial_basis_is_the_negative_squared_distance() -> None:
    layer = RadialBasis(84, 10).double()
    x = torch.randn(5, 84, dtype=torch.float64)
    expected = -torch.cdist(x, layer.codes).square()
    torch.testing.assert_close(layer(x), expected)
    assert set(layer.codes.unique().tolist()) == {-1.0, 1.0}
    assert torch.autograd.gradcheck(layer, x.requires_grad_())


def test_radial_basis_codes_do_not_depend_on_the_seed() -> None:
    codes = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        codes.append(RadialBasis(84, 100).codes)
        assert torch.get_rng_state().equal(before)
    assert codes[0].equal(codes[1])
    assert len(codes[0].unique(dim=0)) == 100


@pytest.mark.parametrize("option", ["c3", "output"])
def test_an_unknown_option_is_refused(option: str) -> None:
    with pytest.raises(ValueError, match=f"{option} must be one of .*, got half"):
        network("lenet5", **{option: "half"})


def test_building_does_not_change_running_statistics() -> None:
    module = network("lenet5", Parts(normalization="batch"))
    assert module.training
    assert all(not m.num_batches_tracked for m in module.modules() if isinstance(m, nn.BatchNorm2d))


@pytest.mark.parametrize("image_size", [15, 8, 1])
def test_an_image_that_is_too_small_is_refused(image_size: int) -> None:
    with pytest.raises(
        ValueError, match=f"dataset.image_size must be at least 16, got {image_size}"
    ):
        network("lenet5", image_size=image_size)
