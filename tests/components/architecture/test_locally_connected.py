"""The locally connected layer against a convolution and against its definition."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from ablab.components.architecture.locally_connected import LocallyConnected2d

DOUBLE = torch.float64
WINDOWS = st.fixed_dictionaries(
    {
        "kernel_size": st.integers(1, 3),
        "stride": st.integers(1, 3),
        "padding": st.integers(0, 2),
        "dilation": st.integers(1, 2),
    }
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    window=WINDOWS,
    side=st.integers(5, 9),
    planes=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    mode=st.sampled_from(["zeros", "reflect", "replicate", "circular"]),
)
def test_shared_weights_make_it_a_convolution(
    window: dict[str, int], side: int, planes: tuple[int, int], mode: str
) -> None:
    conv = nn.Conv2d(*planes, **window, padding_mode=mode, dtype=DOUBLE)
    local = LocallyConnected2d(planes[0], planes[1], side, **window, padding_mode=mode).double()
    with torch.no_grad():
        local.weight.copy_(conv.weight.flatten(1).T)
        local.bias.copy_(conv.bias)
    x = torch.randn(2, planes[0], side, side, dtype=DOUBLE)
    inputs = [x.clone().requires_grad_() for _ in range(2)]
    outputs = [layer(y) for layer, y in zip((conv, local), inputs, strict=True)]
    for output in outputs:
        output.sin().sum().backward()
    torch.testing.assert_close(outputs[1], outputs[0])
    torch.testing.assert_close(inputs[1].grad, inputs[0].grad)
    # what a shared weight gathers is the sum of what its copies gather
    torch.testing.assert_close(local.weight.grad.sum(0).T, conv.weight.grad.flatten(1))
    torch.testing.assert_close(local.bias.grad.sum((0, 1)), conv.bias.grad)


def by_definition(layer: LocallyConnected2d, x: Tensor) -> Tensor:
    """Return each position's window times the position's own kernel, one by one."""
    side, step, size = layer.side, layer.stride, layer.kernel_size
    padded, outputs = F.pad(x, layer.border), []
    for row in range(side):
        for column in range(side):
            reach = layer.dilation * (size - 1) + 1
            rows = slice(row * step, row * step + reach, layer.dilation)
            columns = slice(column * step, column * step + reach, layer.dilation)
            kernel = layer.weight[row * side + column].unflatten(0, (-1, size, size))
            window = padded[:, :, rows, columns]
            outputs.append(torch.einsum("nchw,chwo->no", window, kernel))
    return (torch.stack(outputs) + layer.bias).permute(1, 2, 0).unflatten(2, (side, side))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(window=WINDOWS, side=st.integers(5, 7))
def test_each_position_has_its_own_kernel(window: dict[str, int], side: int) -> None:
    layer = LocallyConnected2d(2, 3, side, **window).double()
    x = torch.randn(2, 2, side, side, dtype=DOUBLE)
    torch.testing.assert_close(layer(x), by_definition(layer, x))


def test_gradient_is_the_derivative() -> None:
    layer = LocallyConnected2d(2, 2, 4, 3, padding=1, stride=2).double()
    x = torch.randn(2, 2, 4, 4, dtype=DOUBLE, requires_grad=True)
    assert torch.autograd.gradcheck(layer, x)


def test_weights_are_initialized_as_in_a_convolution() -> None:
    layer = LocallyConnected2d(8, 16, 12, 3)
    assert layer.weight.abs().max() <= 1 / 72**0.5
    assert layer.weight.var().item() == pytest.approx(1 / (3 * 72), rel=0.02)


def test_a_window_larger_than_the_image_is_refused() -> None:
    with pytest.raises(ValueError, match="kernel_size must fit into 4 pixels, got 5"):
        LocallyConnected2d(1, 1, 4, 5)
