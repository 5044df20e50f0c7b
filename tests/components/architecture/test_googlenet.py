"""GoogLeNet and its options, against published values."""

import pytest
import torch
from networks import Parts, axes_used, network, num_parameters, weightless
from torch import Tensor, nn

from ablab.components.architecture.conv_unit import Following
from ablab.components.architecture.inception_module import Inception

FIRST = (64, 96, 128, 16, 32, 32)


def imagenet(normalization: str = "batch", **options: object) -> nn.Module:
    contract = {"in_channels": 3, "num_classes": 1000, "image_size": 224}
    return weightless("googlenet", Parts(normalization=normalization), **contract, **options)


def inception(five: str = "5x5", bottleneck: str = "activated") -> Inception:
    builders = Parts().builders
    following = Following(
        activation=builders["activation"], normalization=builders["normalization"]
    )
    return Inception(
        192,
        FIRST,
        five=five,
        bottleneck=bottleneck,
        pooling=builders["pooling"],
        following=following,
    )


def test_it_uses_every_axis() -> None:
    assert axes_used("googlenet") == {"activation", "pooling", "normalization", "dropout"}


@pytest.mark.parametrize(
    ("norm", "five", "expected"),
    [("none", "5x5", 6_998_552), ("batch", "5x5", 7_005_832), ("batch", "3x3", 6_624_904)],
)
def test_it_has_its_published_sizes(norm: str, five: str, expected: int) -> None:
    assert num_parameters(imagenet(norm, five=five)) == expected


def test_an_eighth_of_the_width_is_an_eighth_of_every_layers_channels() -> None:
    wide, narrow = imagenet(), imagenet(width=0.125)
    for full, own in zip(wide.modules(), narrow.modules(), strict=True):
        if isinstance(full, nn.Conv2d):
            assert 8 * own.out_channels == full.out_channels
            assert own.in_channels == (3 if full.in_channels == 3 else full.in_channels // 8)
    assert narrow(torch.zeros(1, 3, 224, 224, device="meta")).shape == (1, 1000)


@pytest.mark.parametrize("width", [0, -1.0])
def test_a_width_must_be_positive(width: float) -> None:
    with pytest.raises(ValueError, match="width must be > 0, got"):
        imagenet(width=width)


def test_auxiliary_heads_have_their_published_size() -> None:
    heads = sum(
        channels * 128 + 2 * 128 + (16 * 128 + 1) * 1024 + 1025 * 1000 for channels in (512, 528)
    )
    assert num_parameters(imagenet(auxiliary=True)) == 7_005_832 + heads
    assert num_parameters(imagenet(auxiliary=True, five="3x3")) == 13_004_888  # torchvision's


def test_auxiliary_heads_run_only_in_training() -> None:
    module = weightless("googlenet", image_size=32, auxiliary=True)
    x = torch.zeros(2, 1, 32, 32, device="meta")
    assert [logits.shape for logits in module(x)] == [(2, 10)] * 3
    assert module.auxiliary_weight == 0.3
    assert module.eval()(x).shape == (2, 10)


def test_auxiliary_heads_do_not_change_other_initial_weights() -> None:
    names = [set(imagenet(auxiliary=auxiliary).state_dict()) for auxiliary in (False, True)]
    assert names[0] < names[1]
    assert all(name.startswith("auxiliary.") for name in names[1] - names[0])


@pytest.mark.parametrize(("head", "last"), [(1, 2), (2, 5)])
def test_auxiliary_gradients_reach_the_layers_before_their_head(head: int, last: int) -> None:
    module = network("googlenet", Parts(normalization="batch"), auxiliary=True)
    module(torch.randn(2, 1, 16, 16))[head].sum().backward()
    reached = [all(p.grad is not None for p in part.parameters()) for part in module.inception]
    assert reached == [index <= last for index in range(9)]


@pytest.mark.parametrize(
    ("size", "sides"), [(224, [28, 14, 7]), (32, [32, 16, 8]), (28, [28, 14, 7])]
)
def test_stages_have_the_sizes_of_the_table(size: int, sides: list[int]) -> None:
    module = weightless("googlenet", in_channels=3, image_size=size)
    shapes: list[tuple[int, ...]] = []

    def keep(_: nn.Module, __: object, out: Tensor) -> None:
        shapes.append(tuple(out.shape[1:3]))

    for part in module.inception:
        part.register_forward_hook(keep)
    module(torch.zeros(1, 3, size, size, device="meta"))
    channels = [256, 480, 512, 512, 512, 528, 832, 832, 1024]  # table 1, output size
    stages = [0, 0, 1, 1, 1, 1, 1, 2, 2]
    assert shapes == [(c, sides[s]) for c, s in zip(channels, stages, strict=True)]


def test_a_module_concatenates_its_branches() -> None:
    module = inception()
    x = torch.randn(2, 192, 6, 6)
    out = module(x)
    one, three, five, pooled = out.split([64, 128, 32, 32], dim=1)
    assert one.equal(module.branches[0](x))
    assert three.equal(module.branches[1](x))
    assert five.equal(module.branches[2](x))
    assert pooled.equal(module.branches[3](x))


@pytest.mark.parametrize("bottleneck", ["activated", "linear", "none"])
def test_two_3x3_have_the_receptive_field_of_5x5_with_fewer_weights(bottleneck: str) -> None:
    branches = [inception(five, bottleneck).branches[2] for five in ("5x5", "two_3x3", "3x3")]
    seen = []
    for branch in branches:
        x = torch.rand(1, 192, 9, 9, requires_grad=True)
        for layer in branch.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.constant_(layer.weight, 1e-3)
        branch(x)[0, 0, 4, 4].backward()
        seen.append(x.grad[0].abs().sum(0).ne(0))
    square = torch.zeros(9, 9, dtype=torch.bool)
    square[2:7, 2:7] = True
    assert seen[0].equal(square)
    assert seen[1].equal(square)
    assert not seen[2].equal(square)
    assert num_parameters(branches[1]) < num_parameters(branches[0])


@pytest.mark.parametrize(("bottleneck", "is_linear"), [("linear", True), ("activated", False)])
def test_a_linear_bottleneck_and_its_five_are_one_linear_map(
    bottleneck: str, is_linear: bool
) -> None:
    branch = inception(bottleneck=bottleneck).branches[2].double()
    branch[-1][-1] = nn.Identity()
    x, y = torch.randn(2, 2, 192, 6, 6, dtype=torch.float64)
    parts = branch(x) + branch(y) - branch(torch.zeros_like(x))
    assert torch.allclose(branch(x + y), parts, rtol=0, atol=1e-10) == is_linear


def test_without_bottlenecks_it_has_more_parameters() -> None:
    sizes = [num_parameters(imagenet(bottleneck=b)) for b in ("activated", "linear", "none")]
    assert sizes[0] == sizes[1] < sizes[2]


@pytest.mark.parametrize("name", ["activated", "linear", "none"])
def test_bottlenecks_with_and_without_activation(name: str) -> None:
    branch = inception(bottleneck=name).branches[1]
    kinds = [type(m).__name__ for m in branch.modules() if not list(m.children())]
    first = {"activated": ["Conv2d", "Identity", "ReLU"], "linear": ["Conv2d", "Identity"]}
    assert kinds == [*first.get(name, []), "Conv2d", "Identity", "ReLU"]
