"""The contract of every architecture, and what is published of each."""

from collections.abc import Callable, Iterator
from itertools import islice, product
from math import isfinite
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from contract import build, names
from torch import Tensor, nn

PARTS = {"activation": "relu", "pooling": "max", "normalization": "none", "dropout": "none"}


class Parts:
    """The builders that an architecture receives; remembers which of them it called."""

    def __init__(self, **chosen: str) -> None:
        self.chosen = PARTS | chosen
        self.used: set[str] = set()
        self.generator = torch.Generator().manual_seed(0)

    def _build(self, axis: str, **contract: Any) -> nn.Module:
        self.used.add(axis)
        module: nn.Module = build(axis, self.chosen[axis], **contract)
        return module

    def builders(self) -> dict[str, Callable[..., nn.Module]]:
        return {
            "activation": lambda channels: self._build("activation", channels=channels),
            "pooling": self._pooling,
            "normalization": lambda channels, spatial_dims: self._build(
                "normalization", channels=channels, spatial_dims=spatial_dims
            ),
            "dropout": lambda: self._build("dropout", generator=self.generator),
        }

    def _pooling(
        self, channels: int, kernel_size: int = 2, stride: int = 2, padding: int = 0
    ) -> nn.Module:
        window = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
        return self._build("pooling", channels=channels, **window)


def network(
    name: str,
    parts: Parts | None = None,
    *,
    in_channels: int = 1,
    num_classes: int = 10,
    image_size: int = 16,
    **options: object,
) -> nn.Module:
    module: nn.Module = build(
        "architecture",
        name,
        in_channels=in_channels,
        num_classes=num_classes,
        image_size=image_size,
        **(parts or Parts()).builders(),
        **options,
    )
    return module


def num_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def losses(module: nn.Module, x: Tensor, y: Tensor, lr: float) -> Iterator[float]:
    """Yield the loss before each of endless steps of gradient descent with momentum."""
    optimizer = torch.optim.SGD(module.parameters(), lr=lr, momentum=0.9)
    while True:
        optimizer.zero_grad()
        loss = F.cross_entropy(module(x), y)
        loss.backward()
        optimizer.step()
        yield loss.item()


@pytest.mark.parametrize("image_size", [28, 32])
@pytest.mark.parametrize("in_channels", [1, 3])
def test_images_become_logits(architecture: str, image_size: int, in_channels: int) -> None:
    module = network(architecture, in_channels=in_channels, num_classes=7, image_size=image_size)
    x = torch.randn(2, in_channels, image_size, image_size)
    assert module(x).shape == (2, 7)
    assert module.eval()(x).shape == (2, 7)


def test_channels_last_gives_the_same(architecture: str) -> None:
    module = network(architecture, in_channels=3).eval()
    x = torch.randn(2, 3, 16, 16)
    found = module(x.to(memory_format=torch.channels_last))
    assert torch.allclose(found, module(x), atol=1e-5)


def test_convolutions_hold_their_weights_in_channels_last(architecture: str) -> None:
    for parameter in network(architecture, in_channels=3).parameters():
        if parameter.ndim == 4:
            assert parameter.is_contiguous(memory_format=torch.channels_last)


def test_bfloat16_autocast_trains(architecture: str) -> None:
    module = network(architecture, Parts(normalization="batch"))
    with torch.autocast("cpu", torch.bfloat16):
        loss = F.cross_entropy(module(torch.randn(4, 1, 16, 16)), torch.arange(4))
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())


def test_backward_reaches_every_parameter(architecture: str) -> None:
    module = network(architecture, Parts(activation="prelu"))
    F.cross_entropy(module(torch.randn(4, 1, 16, 16)), torch.arange(4)).backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


def test_every_mix_of_parts_trains(architecture: str) -> None:
    parts = Parts()
    network(architecture, parts)
    axes = [axis for axis in ("activation", "normalization", "pooling") if axis in parts.used]
    x, y = torch.randn(4, 1, 16, 16), torch.arange(4)
    for mix in product(*(names(axis) for axis in axes)):
        chosen = dict(zip(axes, mix, strict=True))
        module = network(architecture, Parts(**chosen))
        assert all(isfinite(loss) for loss in islice(losses(module, x, y, lr=0.01), 3)), chosen
        assert all(parameter.isfinite().all() for parameter in module.parameters()), chosen


def test_each_dropout_serves_where_it_is_used(architecture: str) -> None:
    for dropout in names("dropout"):
        module = network(architecture, Parts(dropout=dropout))
        x = torch.randn(4, 1, 16, 16)
        assert module(x).isfinite().all()
        assert module.eval()(x).equal(module(x))


def test_thirty_two_random_images_can_be_learnt_by_heart(architecture: str) -> None:
    module = network(architecture, Parts(normalization="batch"))
    steps = losses(module, torch.randn(32, 1, 16, 16), torch.arange(32) % 10, lr=0.05)
    assert any(loss < 0.1 for loss in islice(steps, 100))


def test_logits_depend_on_the_whole_batch_in_no_way(architecture: str) -> None:
    module = network(architecture).eval()
    x = torch.randn(4, 1, 16, 16)
    assert torch.allclose(module(x)[:1], module(x[:1]), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "used"),
    [
        ("mlp", {"activation", "normalization", "dropout"}),
        ("lenet5", {"activation", "pooling", "normalization", "dropout"}),
        ("resnet18", {"activation", "normalization", "dropout"}),
    ],
)
def test_builders_called_are_the_axes_used(name: str, used: set[str]) -> None:
    parts = Parts()
    network(name, parts)
    assert parts.used == used


@pytest.mark.parametrize(
    ("widths", "expected"),
    [([], 7850), ([300], 784 * 300 + 300 + 3010), ([20, 30], 15_700 + 630 + 310)],
)
def test_mlp_is_as_deep_and_wide_as_asked(widths: list[int], expected: int) -> None:
    assert num_parameters(network("mlp", image_size=28, widths=widths)) == expected


def test_mlp_of_no_width_is_logistic_regression() -> None:
    parts = Parts()
    module = network("mlp", parts, widths=[])
    x = torch.randn(4, 1, 16, 16)
    weight, bias = module.parameters()
    assert torch.allclose(module(x), x.flatten(1) @ weight.T + bias, atol=1e-6)
    assert not parts.used


@pytest.mark.parametrize("widths", [[0], [10, -1], [1.5]])
def test_mlp_refuses_a_width_that_is_no_count(widths: list[float]) -> None:
    with pytest.raises(ValueError, match=r"widths must be positive integers, got \["):
        network("mlp", widths=widths)


@pytest.mark.parametrize("image_size", [28, 32])
def test_lenet5_has_its_published_size(image_size: int) -> None:
    assert num_parameters(network("lenet5", image_size=image_size)) == 61_706


@pytest.mark.parametrize("image_size", [28, 32])
def test_lenet5_has_the_shapes_of_1998(image_size: int) -> None:
    module = network("lenet5", image_size=image_size)
    shapes: list[tuple[int, ...]] = []
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.Linear):
            layer.register_forward_hook(lambda _, __, out: shapes.append(tuple(out.shape[1:])))
    module(torch.randn(1, 1, image_size, image_size))
    assert shapes == [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120,), (84,), (10,)]


@pytest.mark.parametrize("image_size", [16, 17, 27, 29, 64])
def test_lenet5_sizes_its_first_linear_layer_by_the_formula(image_size: int) -> None:
    side = ((image_size - 4) // 2 - 4) // 2
    linear = [
        m for m in network("lenet5", image_size=image_size).modules() if isinstance(m, nn.Linear)
    ]
    assert linear[0].in_features == 16 * side**2


def test_lenet5_bears_a_pooling_that_keeps_the_shape() -> None:
    builders = Parts().builders() | {"pooling": lambda channels: nn.Identity()}
    module = build(
        "architecture", "lenet5", in_channels=1, num_classes=10, image_size=20, **builders
    )
    assert module(torch.randn(2, 1, 20, 20)).shape == (2, 10)


def test_lenet5_orders_its_parts_as_it_says() -> None:
    parts = Parts(normalization="batch", dropout="dropout")
    kinds = [type(m).__name__ for m in network("lenet5", parts).modules() if not list(m.children())]
    conv = ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"]
    linear = ["Linear", "BatchNorm1d", "ReLU", "Dropout"]
    assert kinds == [*conv, *conv, "Flatten", *linear, *linear, "Linear"]


def test_lenet5_leaves_running_statistics_at_their_start() -> None:
    module = network("lenet5", Parts(normalization="batch"))
    assert module.training
    assert all(not m.num_batches_tracked for m in module.modules() if isinstance(m, nn.BatchNorm2d))


@pytest.mark.parametrize("image_size", [15, 8, 1])
def test_lenet5_refuses_an_image_that_is_too_small(image_size: int) -> None:
    with pytest.raises(
        ValueError, match=f"dataset.image_size must be at least 16, got {image_size}"
    ):
        network("lenet5", image_size=image_size)


@pytest.mark.parametrize(("num_classes", "expected"), [(10, 11_173_962), (100, 11_220_132)])
def test_resnet18_has_its_published_size(num_classes: int, expected: int) -> None:
    parts = Parts(normalization="batch")
    module = network("resnet18", parts, in_channels=3, num_classes=num_classes, image_size=32)
    assert num_parameters(module) == expected


def test_resnet18_halves_the_image_three_times() -> None:
    module = network("resnet18", in_channels=3, image_size=32)
    stem = module.stem(torch.randn(1, 3, 32, 32))
    assert stem.shape == (1, 64, 32, 32)
    assert module.stages(stem).shape == (1, 512, 4, 4)


def test_resnet18_has_a_bias_where_nothing_else_shifts() -> None:
    for normalization, biased in (("none", True), ("batch", False)):
        module = network("resnet18", Parts(normalization=normalization))
        convolutions = [m for m in module.modules() if isinstance(m, nn.Conv2d)]
        assert len(convolutions) == 20
        assert all((m.bias is not None) == biased for m in convolutions)


def test_resnet18_block_without_residual_is_its_shortcut() -> None:
    module = network("resnet18", Parts(normalization="batch"))
    block = module.stages[0]
    nn.init.zeros_(block.residual[2][1].weight)
    x = torch.rand(2, 64, 8, 8)
    assert block(x).equal(x)


@pytest.mark.parametrize("blocks", [[], [2, 0], [1.5]])
def test_resnet_refuses_a_stage_without_blocks(blocks: list[float]) -> None:
    with pytest.raises(ValueError, match=r"blocks must be positive integers, got \["):
        network("resnet18", blocks=blocks)
