"""The fractionally strided convolution against torch's and against the transpose."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ablab.components.architecture.fractionally_strided import FractionallyStrided2d

DOUBLE = torch.float64
SIZES = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(0, 3)).filter(
    lambda sizes: sizes[2] < sizes[0]
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    sizes=SIZES,
    planes=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    sides=st.tuples(st.integers(4, 6), st.integers(4, 6)),
)
def test_it_is_torchs_transposed_convolution(
    sizes: tuple[int, int, int], planes: tuple[int, int], sides: tuple[int, int]
) -> None:
    ours = FractionallyStrided2d(*planes, *sizes).double()
    theirs = nn.ConvTranspose2d(*planes, *sizes, dtype=DOUBLE)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, planes[0], *sides, dtype=DOUBLE)
    inputs = [x.clone().requires_grad_() for _ in range(2)]
    outputs = [layer(y) for layer, y in zip((ours, theirs), inputs, strict=True)]
    for output in outputs:
        output.sin().sum().backward()
    torch.testing.assert_close(outputs[0], outputs[1])
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad)
    for own, torchs in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(own.grad, torchs.grad)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(sizes=SIZES)
def test_it_is_the_convolutions_transpose(sizes: tuple[int, int, int]) -> None:
    _, stride, padding = sizes
    layer = FractionallyStrided2d(3, 2, *sizes).double()
    layer.bias.data.zero_()
    small = torch.randn(1, 3, 4, 4, dtype=DOUBLE)
    large = torch.randn(1, 2, *layer(small).shape[2:], dtype=DOUBLE)
    down = F.conv2d(large, layer.weight, stride=stride, padding=padding)
    assert down.shape == small.shape
    # <C large, small> = <large, C' small>
    torch.testing.assert_close((down * small).sum(), (large * layer(small)).sum())


def test_it_enlarges_by_the_stride() -> None:
    layer = FractionallyStrided2d(1, 1, kernel_size=4, stride=2, padding=1)
    assert layer(torch.zeros(1, 1, 7, 9)).shape == (1, 1, 14, 18)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [((2, 0, 0), "stride must be >= 1, got 0"), ((2, 1, 2), r"padding must be in \[0, kernel_s")],
)
def test_a_value_out_of_range_is_refused(sizes: tuple[int, int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FractionallyStrided2d(1, 1, *sizes)
