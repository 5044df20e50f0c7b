"""Tests of reading an image as a sequence."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ablab.components.architecture.sequence import Scan, mean_and_deviation

sizes = st.integers(1, 5)


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 3), sizes, st.integers(1, 3))
def test_a_step_is_a_line_or_a_pixel_with_channels_innermost(
    channels: int, size: int, count: int
) -> None:
    x = torch.randn(count, channels, size, size)
    scans = {read: Scan(read, channels, size) for read in ("rows", "columns", "pixels")}
    rows, columns, pixels = (scan(x) for scan in scans.values())
    for scan, read in zip(scans.values(), (rows, columns, pixels), strict=True):
        assert read.shape == (count, scan.length, scan.features)
    for h in range(size):
        for w in range(size):
            for c in range(channels):
                value = x[:, c, h, w]
                assert rows[:, h, w * channels + c].equal(value)
                assert columns[:, w, h * channels + c].equal(value)
                assert pixels[:, h * size + w, c].equal(value)


def test_rows_of_a_batch_in_channels_last_are_read_without_a_copy() -> None:
    x = torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
    assert Scan("rows", 3, 4)(x).data_ptr() == x.data_ptr()


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(ValueError, match="read must be one of rows, columns, pixels, got spiral"):
        Scan("spiral", 1, 8)


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 4), sizes, st.integers(1, 9))
def test_statistics_are_mean_and_standard_deviation(count: int, channels: int, length: int) -> None:
    x = torch.randn(count, channels, length, dtype=torch.float64)
    deviation = (x.var(2, correction=0) + 1e-5).sqrt()
    torch.testing.assert_close(mean_and_deviation(x), torch.cat([x.mean(2), deviation], 1))


def test_the_standard_deviation_of_a_constant_has_a_gradient() -> None:
    x = torch.ones(2, 3, 4, requires_grad=True)
    mean_and_deviation(x).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()
