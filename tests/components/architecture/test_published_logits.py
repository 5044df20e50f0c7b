"""Networks that claim to be 'Faithful' to published code compute the same logits.

The expected values are those of torchvision 0.29.1 and timm 1.0.31, on PyTorch 2.14.1, with the
weights of `known_weights`, as printed by `outside_logits.py`.
"""

import re
from typing import Any, NamedTuple

import pytest
import torch
from known_weights import fill, images, summarize
from networks import num_parameters
from torch import nn

from ablab.catalogue.listing import of_axis
from ablab.config.compose import compose
from ablab.model.builder import Builder
from ablab.model.targets import PARTS


class Published(NamedTuple):
    """What another code's network has and says.

    Attributes:
        parameters: how many, without auxiliary heads.
        side: of the images, in pixels.
        values: what `known_weights.summarize` returns for its logits.
        options: what of the architecture is set beside its recipe.
    """

    parameters: int
    side: int
    values: tuple[float, ...]
    options: tuple[str, ...] = ()


PUBLISHED = {
    "convnext_tiny": Published(
        28_589_128,
        96,
        (2.42668686559, -1.49205276577, 0.579345157404, -0.268097212305, 61.7667603995),
    ),
    "googlenet": Published(
        6_624_904,
        96,
        (0.669235392039, 1.00221139563, -0.688227108877, 2.79763703357, 139.036585552),
    ),
    "inception_v3": Published(
        23_834_568,
        96,
        (-0.0250291629767, 0.0915644875513, 0.144225749686, -0.0911657555511, 7.95271022685),
        ("architecture.auxiliary=false",),
    ),
    "resnet18": Published(
        11_689_512, 96, (5.34291674732, 25.930186323, -12.9228877805, -2.92535968349, 714.519592767)
    ),
    "resnet34": Published(
        21_797_672, 96, (-299.25572299, -431.274616524, 371.06765862, -142.906608131, 17335.2603719)
    ),
    "resnet50": Published(
        25_557_032, 96, (-568.097127609, 142.938214748, 105.53214876, 791.356895787, 20379.0861107)
    ),
    "densenet121": Published(
        7_978_856,
        96,
        (0.764856186484, -0.750135929476, 0.341956076195, 0.12185890516, 17.6685239813),
    ),
    "mobilenet": Published(
        4_231_976,
        96,
        (0.340146604992, -0.0426513073929, 0.0488650503515, -0.0232325772744, 14.5170462775),
    ),
    "alexnet": Published(
        61_100_840,
        224,
        (1.93057758394, -0.306783657048, 0.505483188849, 0.464177835126, 40.9395105498),
    ),
    "vgg": Published(
        132_863_336,
        224,
        (-0.740502941551, 0.0491635216049, -0.120132981108, -0.0444852243114, 21.5123005036),
        ("architecture.depth=11",),
    ),
}
# Others of a class that is tested: other sizes, or images that the code it names does not take.
SAME_CLASS = {"alexnet_cifar", "densenet100"}
LARGE = {"alexnet", "vgg"}


DOCS = {component.name: component.doc for component in of_axis("architecture")}


def recipe(name: str) -> list[str]:
    """Return the overrides that a network's docstring names where it says 'Faithful'."""
    _, _, claim = DOCS[name].partition("Faithful")
    return re.findall(r"``([\w.]+=\S+?)``", claim)


def built(name: str, overrides: list[str], side: int) -> nn.Module:
    """Return a network for a thousand classes of images of three planes."""
    config: dict[str, Any] = compose([f"architecture={name}", *overrides]).resolved()
    generator = torch.Generator()
    parts = {axis: Builder(axis, config[axis], generator=generator) for axis in PARTS}
    contract = {"in_channels": 3, "num_classes": 1000, "image_size": side}
    network: nn.Module = Builder("architecture", config["architecture"])(**contract, **parts)
    return network


def values(network: nn.Module, side: int) -> list[float]:
    x = images(2, 3, side)
    with torch.no_grad():
        return summarize(fill(network, x)(x))


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n in LARGE else []) for n in PUBLISHED]
)
def test_known_weights_give_the_logits_of_the_published_code(name: str) -> None:
    published = PUBLISHED[name]
    network = built(name, [*recipe(name), *published.options], published.side)
    assert num_parameters(network) == published.parameters
    scale = max(map(abs, published.values[:-1]))
    actual = values(network, published.side)
    assert actual == pytest.approx(published.values, rel=1e-9, abs=1e-9 * scale)


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("convnext_tiny", "normalization.eps=1e-6"),
        ("googlenet", "normalization.eps=1e-3"),
        ("inception_v3", "normalization.eps=1e-3"),
        ("inception_v3", "pooling.count_include_pad=true"),
    ],
)
def test_each_override_of_a_recipe_is_necessary(name: str, needed: str) -> None:
    overrides = [override for override in recipe(name) if override != needed]
    assert len(overrides) == len(recipe(name)) - 1
    published = PUBLISHED[name]
    network = built(name, [*overrides, *published.options], published.side)
    assert values(network, published.side) != pytest.approx(published.values, rel=1e-6)


def test_every_faithful_network_is_tested() -> None:
    claiming = {name for name, doc in DOCS.items() if "Faithful" in doc}
    assert claiming - SAME_CLASS == set(PUBLISHED)
