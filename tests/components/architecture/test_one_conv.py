"""The network with one convolution against the notes."""

import pytest
import torch
from networks import Parts, axes_used, network, num_parameters
from torch import nn


def test_it_uses_every_axis() -> None:
    assert axes_used("one_conv") == {"activation", "pooling", "normalization", "dropout"}


def test_it_is_the_network_of_the_notes() -> None:
    module = network("one_conv", image_size=28, channels=4, widths=[30, 20])
    kinds = [type(m) for m in module.modules() if not list(m.children())]
    layers = [kind for kind in kinds if kind is not nn.Identity]
    conv, linear = [nn.Conv2d, nn.ReLU, nn.MaxPool2d], [nn.Linear, nn.ReLU]
    assert layers == [*conv, nn.Flatten, *linear, *linear, nn.Linear]
    sizes = 4 * 9 + 4, 14 * 14 * 4 * 30 + 30, 30 * 20 + 20, 20 * 10 + 10
    assert num_parameters(module) == sum(sizes)


def test_its_convolution_keeps_the_size() -> None:
    module = network("one_conv", image_size=28)
    assert module.features[0](torch.zeros(1, 1, 28, 28)).shape[2:] == (28, 28)


def test_colors_are_averaged() -> None:
    module = network("one_conv", in_channels=3, image_size=16)
    x = torch.randn(4, 3, 16, 16)
    gray = x.mean(1, keepdim=True).expand_as(x)
    torch.testing.assert_close(module(x), module(gray))


def test_gray_and_color_have_the_same_number_of_parameters() -> None:
    sizes = {num_parameters(network("one_conv", in_channels=planes)) for planes in (1, 3)}
    assert len(sizes) == 1


def test_without_hidden_layers_the_readout_is_linear() -> None:
    parts = Parts()
    module = network("one_conv", parts, widths=[])
    assert [type(m) for m in module.classifier] == [nn.Flatten, nn.Linear]


@pytest.mark.parametrize("options", [{"channels": 0}, {"widths": [0]}])
def test_a_size_that_is_not_a_positive_integer_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(options))} must be positive integers"):
        network("one_conv", **options)
