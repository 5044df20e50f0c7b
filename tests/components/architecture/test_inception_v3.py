"""Inception v3 against published values."""

import pytest
import torch
from networks import Parts, axes_used, num_parameters, weightless
from torch import Tensor, nn

from ablab.components.architecture.inception_v3_modules import Concat


def imagenet(**options: object) -> nn.Module:
    contract = {"in_channels": 3, "num_classes": 1000, "image_size": 299}
    parts = Parts(normalization="batch", pooling="mean")
    return weightless("inception_v3", parts, **contract, **options)


def test_it_uses_every_axis() -> None:
    assert axes_used("inception_v3") == {"activation", "pooling", "normalization", "dropout"}


def test_it_has_its_published_size_with_its_auxiliary_head() -> None:
    assert num_parameters(imagenet()) == 27_161_264


def test_its_auxiliary_head_has_its_published_size() -> None:
    head = 768 * 128 + 2 * 128 + 25 * 128 * 768 + 2 * 768 + 769 * 1000
    assert num_parameters(imagenet(auxiliary=False)) == 27_161_264 - head


def shapes(module: nn.Module, size: int) -> list[tuple[int, ...]]:
    """Return channels and side after the stem and each module."""
    found: list[tuple[int, ...]] = []

    def keep(_: nn.Module, __: object, out: Tensor) -> None:
        found.append(tuple(out.shape[1:3]))

    for part in (module.stem, *module.lower, *module.upper):
        part.register_forward_hook(keep)
    module(torch.zeros(1, 3, size, size, device="meta"))
    return found


@pytest.mark.parametrize(
    ("size", "sides"), [(299, [35, 17, 8]), (32, [32, 15, 7]), (28, [28, 13, 6])]
)
def test_maps_have_the_sizes_of_the_table(size: int, sides: list[int]) -> None:
    first, second, third = sides
    expected = [(192, first), (256, first), (288, first), (288, first), *[(768, second)] * 5]
    module = weightless("inception_v3", in_channels=3, image_size=size)
    assert shapes(module, size) == [*expected, (1280, third), *[(2048, third)] * 2]


def test_the_auxiliary_head_runs_only_in_training() -> None:
    module = weightless("inception_v3", image_size=32)
    x = torch.zeros(2, 1, 32, 32, device="meta")
    assert [logits.shape for logits in module(x)] == [(2, 10)] * 2
    assert module.auxiliary_weight == 0.3
    assert module.eval()(x).shape == (2, 10)


def test_without_the_head_training_returns_logits() -> None:
    module = weightless("inception_v3", image_size=32, auxiliary=False)
    assert module(torch.zeros(2, 1, 32, 32, device="meta")).shape == (2, 10)
    assert not hasattr(module, "auxiliary_weight")


def test_branches_are_concatenated() -> None:
    x = torch.randn(2, 3, 4, 4)
    halves = Concat(nn.Conv2d(3, 2, 1), nn.Conv2d(3, 4, 1))
    assert halves(x)[:, :2].equal(halves.branches[0](x))
    assert halves(x)[:, 2:].equal(halves.branches[1](x))


def test_1x7_and_7x1_have_a_square_receptive_field() -> None:
    branch = weightless("inception_v3", image_size=32).lower[4].branches[1].to_empty(device="cpu")
    for parameter in branch.parameters():
        nn.init.constant_(parameter, 1e-3)
    x = torch.rand(1, 768, 11, 11, requires_grad=True)
    branch(x)[0, 0, 5, 5].backward()
    square = torch.zeros(11, 11, dtype=torch.bool)
    square[2:9, 2:9] = True
    assert x.grad[0].sum(0).ne(0).equal(square)


@pytest.mark.parametrize("size", [6, 65, 74])
def test_an_image_too_small_for_the_reductions_is_refused(size: int) -> None:
    rule = f"dataset.image_size must be 7 to 64, or at least 75, got {size}"
    with pytest.raises(ValueError, match=rule):
        weightless("inception_v3", image_size=size)


@pytest.mark.parametrize("size", [7, 64, 75])
def test_the_smallest_and_largest_of_each_kind_work(size: int) -> None:
    module = weightless("inception_v3", image_size=size).eval()
    assert module(torch.zeros(2, 1, size, size, device="meta")).shape == (2, 10)
