"""The contract of every architecture; tests of single ones are in architecture/.

``architecture`` is each of them in turn, the large ones in the slow suite; ``any_architecture``
is each of them in the quick one, to be built without weights.
"""

import re
from itertools import islice
from math import isfinite

import pytest
import torch
from contract import names
from networks import (
    LARGE,
    NARROW,
    Parts,
    all_logits,
    axes_used,
    images,
    loss,
    network,
    smallest,
    takes_long,
    train,
    weightless,
)
from torch import nn


def _check_message(error: ValueError, image_size: int) -> None:
    assert re.match(rf"dataset\.image_size must be .+, got {image_size}\b", str(error)), error
    assert image_size != 32, "CIFAR's size is everybody's"


def test_large_architectures_are_listed(any_architecture: str) -> None:
    assert (any_architecture in LARGE) == takes_long(any_architecture), "see networks.LARGE"


@pytest.mark.parametrize("image_size", [8, 16, 28, 32, 64, 224])
def test_images_become_logits_or_are_refused(any_architecture: str, image_size: int) -> None:
    try:
        module = weightless(any_architecture, num_classes=7, image_size=image_size)
    except ValueError as error:
        _check_message(error, image_size)
        return
    x = torch.zeros(2, 1, image_size, image_size, device="meta")
    assert all(logits.shape == (2, 7) for logits in all_logits(module, x))
    assert module.eval()(x).shape == (2, 7)


def test_color_images_become_logits(any_architecture: str) -> None:
    module = weightless(any_architecture, in_channels=3, image_size=32)
    assert module.eval()(torch.zeros(2, 3, 32, 32, device="meta")).shape == (2, 10)


def test_auxiliary_logits_have_a_weight(any_architecture: str) -> None:
    module = weightless(any_architecture, image_size=32)
    output = module(torch.zeros(2, 1, 32, 32, device="meta"))
    assert isinstance(output, tuple) == hasattr(module, "auxiliary_weight")
    assert 0 < getattr(module, "auxiliary_weight", 0.3) < 1


def test_weights_of_convolutions_are_channels_last(any_architecture: str) -> None:
    for module in weightless(any_architecture, in_channels=3, image_size=32).modules():
        if isinstance(module, nn.Conv2d):
            assert module.weight.is_contiguous(memory_format=torch.channels_last)


def test_a_new_network_is_in_training_mode(any_architecture: str) -> None:
    assert all(m.training for m in weightless(any_architecture, image_size=32).modules())


def test_channels_last_gives_the_same(architecture: str) -> None:
    module = network(architecture, in_channels=3).eval()
    x = images(architecture, 2, in_channels=3)
    torch.testing.assert_close(
        module(x.to(memory_format=torch.channels_last)), module(x), rtol=1e-3, atol=1e-5
    )


def test_bfloat16_autocast_trains(architecture: str) -> None:
    module = network(architecture, Parts(normalization="batch"))
    with torch.autocast("cpu", torch.bfloat16):
        value = loss(module, images(architecture, 4), torch.arange(4))
    value.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())


def test_backward_reaches_every_parameter(architecture: str) -> None:
    module = network(architecture, Parts(activation="prelu"))
    loss(module, images(architecture, 4), torch.arange(4)).backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


@pytest.mark.parametrize("axis", ["activation", "normalization", "pooling"])
def test_every_part_that_it_uses_trains(architecture: str, axis: str) -> None:
    if axis not in axes_used(architecture):
        return
    size = smallest(architecture)
    if axis == "normalization":  # a map of one pixel has no instance statistics
        size = max(size, 32)
    large, narrow = architecture in LARGE, NARROW.get(architecture, {})
    chosen = names(axis)
    if large:  # a third of them each, so that some train in each and each in several
        chosen = chosen[names("architecture").index(architecture) % 3 :: 3]
        # (x + f(x))**2 in each of nine residual blocks overflows float32
        chosen = [part for part in chosen if part != "squared_relu"]
    for part in chosen:
        parts = Parts(**{"normalization": "batch" if large else "none", axis: part})
        module = network(architecture, parts, image_size=size, **narrow)
        steps = train(module, torch.randn(2, 1, size, size), torch.arange(2), lr=0.001)
        assert all(isfinite(value) for value in islice(steps, 1 if large else 2)), part
        assert all(parameter.isfinite().all() for parameter in module.parameters()), part


def test_each_dropout_acts_where_it_is_used(architecture: str) -> None:
    for dropout in names("dropout"):
        module = network(architecture, Parts(dropout=dropout))
        x = images(architecture, 4)
        assert all(logits.isfinite().all() for logits in all_logits(module, x))
        assert module.eval()(x).equal(module(x))


def test_random_images_can_be_memorized(architecture: str) -> None:
    narrow, number = NARROW.get(architecture, {}), 16 if architecture in LARGE else 32
    module = network(architecture, Parts(normalization="batch"), **narrow)
    x, y = images(architecture, number), torch.arange(number) % 10
    # VGG has no shortcuts: with a larger lr it converges slowly
    steps = train(module, x, y, lr=0.001 if architecture == "vgg" else 0.002)
    assert any(
        all_logits(module, x)[0].argmax(1).equal(y)
        for index, _ in enumerate(islice(steps, 300))
        if index % 5 == 4
    )


def test_logits_in_eval_do_not_depend_on_the_batch(architecture: str) -> None:
    module = network(architecture).eval()
    x = images(architecture, 4)
    torch.testing.assert_close(module(x)[:1], module(x[:1]), rtol=1e-3, atol=1e-5)
