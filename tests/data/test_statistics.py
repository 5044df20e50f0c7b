import numpy as np
import pytest

from ablab.data.statistics import histogram, histogram_of, moments

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("channels", [1, 3])
def test_moments_are_numpys(channels):
    images = RNG.integers(0, 256, (1500, 3, 5, channels), np.uint8)  # more than a block
    mean, std = moments(histogram(images))
    np.testing.assert_allclose(mean, (images / 255).mean((0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(std, (images / 255).std((0, 1, 2)), rtol=1e-12)


@pytest.mark.parametrize("n", [1, 3, 40, 97, 100])
def test_the_histogram_of_a_subset(n):
    images = RNG.integers(0, 256, (100, 4, 4, 2), np.uint8)
    chosen = np.sort(RNG.permutation(100)[:n])
    found = histogram_of(chosen, images, histogram(images))
    np.testing.assert_array_equal(found, histogram(images[chosen]))


def test_a_constant_channel_has_standard_deviation_one():
    images = np.full((3, 2, 2, 1), 51, np.uint8)
    mean, std = moments(histogram(images))
    assert mean == pytest.approx((0.2,))
    assert std == (1.0,)
