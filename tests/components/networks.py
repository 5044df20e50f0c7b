"""Architectures for tests: built as in a trial, with the smallest image that they accept.

A network is tested at the smallest image of `SIZES` at which it can be built; at smaller ones it
must raise ``dataset.image_size must ...``. Networks that are `LARGE` there are tested in the slow
suite, and without weights in the quick one. The widest ones are `NARROW` in tests that train
many of them, or one for long.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
import yaml
from contract import build, yaml_file
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from ablab.model.builder import Builder

PARTS = {"activation": "relu", "pooling": "max", "normalization": "none", "dropout": "none"}
SIZES = (16, 28, 32, 48, 64, 75, 96, 128, 224)
# its stem keeps the size of small images: a step at 16 pixels takes seconds
SMALLER = {"inception_v3": 8}
LARGE_FLOPS, LARGE_PARAMETERS, MANY_OPERATIONS = 15e6, 5e6, 800  # of one image, forward
LARGE = {
    "alexnet",
    "alexnet_cifar",
    "convnext_tiny",
    "densenet100",
    "densenet121",
    "googlenet",
    "inception_v3",
    "mobilenet",
    "plain20",
    "plain56",
    "resnet110",
    "resnet18",
    "resnet20",
    "resnet34",
    "resnet50",
    "resnet56",
    "vgg",
    "wide_resnet",
}
# a quarter of the width or less and the whole depth, for tests that train many times or long
NARROW: Mapping[str, Mapping[str, object]] = {
    "alexnet": {"channels": [24, 64, 96, 96, 64], "hidden": [256, 256]},
    "convnext_tiny": {"widths": [24, 48, 96, 192]},
    "densenet121": {"growth": 8},
    "googlenet": {"width": 0.25},
    "resnet18": {"width": 16},
    "resnet34": {"width": 16},
    "resnet50": {"width": 16},
    "wide_resnet": {"width": 2},
}


class Parts:
    """The builders that an architecture receives, which remember whether they were called.

    Args:
        chosen: a component's name for an axis, or that name as ``name`` among hyper-parameters.
    """

    def __init__(self, **chosen: str | Mapping[str, Any]) -> None:
        generator = torch.Generator("cpu").manual_seed(0)
        self.builders = {
            axis: Builder(axis, _node(axis, name), generator=generator)
            for axis, name in (PARTS | chosen).items()
        }

    @property
    def used(self) -> set[str]:
        return {axis for axis, builder in self.builders.items() if builder.calls}


def _node(axis: str, chosen: str | Mapping[str, Any]) -> dict[str, Any]:
    hyper = {"name": chosen} if isinstance(chosen, str) else dict(chosen)
    node: dict[str, Any] = yaml.safe_load(yaml_file(axis, hyper.pop("name")).read_text())
    return node | hyper


def network(
    name: str,
    parts: Parts | None = None,
    *,
    in_channels: int = 1,
    num_classes: int = 10,
    image_size: int | None = None,
    **options: object,
) -> nn.Module:
    """Return a network; keywords beyond its contract override its YAML."""
    size = smallest(name) if image_size is None else image_size
    contract = {"in_channels": in_channels, "num_classes": num_classes, "image_size": size}
    module: nn.Module = build(
        "architecture", name, **contract, **(parts or Parts()).builders, **options
    )
    return module


def weightless(name: str, parts: Parts | None = None, **arguments: Any) -> nn.Module:
    """Return a network on the meta device: shapes without values."""
    with torch.device("meta"):
        return network(name, parts, **arguments)


@lru_cache
def smallest(name: str) -> int:
    """Return the smallest image size of SIZES at which a network can be built, or of SMALLER."""
    for size in (SMALLER[name],) if name in SMALLER else SIZES:
        try:
            weightless(name, image_size=size)
        except ValueError as error:
            if not str(error).startswith("dataset.image_size must "):
                raise
        else:
            return size
    raise AssertionError(f"{name} works at none of {SIZES}")


class _Operations(TorchDispatchMode):
    count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        self.count += 1
        return func(*args, **(kwargs or {}))


def takes_long(name: str) -> bool:
    """Return whether training a network takes too long for the quick suite."""
    module = weightless(name).eval()
    image = torch.zeros(1, 1, smallest(name), smallest(name), device="meta")
    with torch.no_grad(), FlopCounterMode(display=False) as flops, _Operations() as operations:
        module(image)
    return (
        flops.get_total_flops() > LARGE_FLOPS
        or num_parameters(module) > LARGE_PARAMETERS
        or operations.count > MANY_OPERATIONS
    )


def num_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def axes_used(name: str, **options: object) -> set[str]:
    """Return the axes whose builder an architecture calls."""
    parts = Parts()
    weightless(name, parts, **options)
    return parts.used


def images(name: str, count: int, *, in_channels: int = 1) -> Tensor:
    return torch.randn(count, in_channels, smallest(name), smallest(name))


def all_logits(module: nn.Module, x: Tensor) -> list[Tensor]:
    """Return a network's logits, in training also those of its auxiliary heads."""
    output = module(x)
    return list(output) if isinstance(output, tuple) else [output]


def loss(module: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Return the cross entropy, plus that of auxiliary heads with their weight."""
    first, *auxiliary = all_logits(module, x)
    total = F.cross_entropy(first.float(), y)
    for logits in auxiliary:
        total = total + module.auxiliary_weight * F.cross_entropy(logits.float(), y)
    return total


def train(module: nn.Module, x: Tensor, y: Tensor, lr: float) -> Iterator[float]:
    """Yield the loss before each step of Adam, endlessly."""
    optimizer = torch.optim.Adam(module.parameters(), lr=lr)
    while True:
        optimizer.zero_grad()
        value = loss(module, x, y)
        value.backward()
        optimizer.step()
        yield value.item()
