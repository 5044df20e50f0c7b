import pytest
import torch

from ablab.data.perturbation import KINDS, Perturbation, perturbations

STRENGTHS = {"shift": 2, "noise": 0.2, "brightness": -0.3, "contrast": 0.5}
ALL = pytest.mark.parametrize("kind", KINDS)


def images(n=600, channels=3, size=8):
    return torch.rand(n, channels, size, size, generator=torch.Generator().manual_seed(0))


def changed(kind, x, indices=None, seed=1, strength=None):
    indices = torch.arange(len(x)) if indices is None else indices
    return Perturbation(kind, STRENGTHS[kind] if strength is None else strength)(x, indices, seed)


@ALL
def test_a_perturbation_does_not_depend_on_the_batch(kind):
    x = images()
    whole = changed(kind, x)
    for indices in (torch.arange(100, 350), torch.tensor([599]), torch.tensor([300, 7, 250, 249])):
        assert torch.equal(changed(kind, x[indices], indices), whole[indices])


@ALL
def test_perturbed_images_are_new_tensors_in_0_to_1(kind):
    x = images()
    before = x.clone()
    y = changed(kind, x)
    assert (y.shape, y.dtype) == (x.shape, x.dtype)
    assert 0 <= y.min() <= y.max() <= 1
    assert not torch.equal(y, x)
    assert torch.equal(x, before)


@pytest.mark.parametrize("kind", ["shift", "noise"])
def test_draws_are_a_function_of_the_seed(kind):
    x = images()
    assert torch.equal(changed(kind, x), changed(kind, x))
    assert not torch.equal(changed(kind, x), changed(kind, x, seed=2))


@pytest.mark.parametrize("pixels", [1, 3, 7])
def test_a_shift_moves_each_image_in_one_of_four_directions(pixels):
    x = images(400)
    directions = set()
    for before, after in zip(x, changed("shift", x, strength=pixels), strict=True):
        matches = []
        for axis, sign in ((1, 1), (1, -1), (2, 1), (2, -1)):
            moved = before.roll(sign * pixels, axis)
            edge = slice(0, pixels) if sign > 0 else slice(8 - pixels, None)
            moved[(slice(None),) * axis + (edge,)] = 0
            matches.append(torch.equal(moved, after))
        assert sum(matches) == 1
        directions.add(matches.index(True))
    assert directions == {0, 1, 2, 3}


def test_a_larger_shift_keeps_the_direction():
    x = images(400)
    twice = changed("shift", changed("shift", x, strength=1), strength=1)
    assert torch.equal(changed("shift", x, strength=2), twice)


def test_noise_is_normal_and_proportional_to_its_strength():
    x = torch.full((2000, 1, 8, 8), 0.5)
    small = changed("noise", x, strength=0.02) - x
    assert float(small.std()) == pytest.approx(0.02, rel=0.01)
    assert abs(float(small.mean())) < 0.001
    assert (
        abs(float(torch.corrcoef(torch.stack([small[:-1].flatten(), small[1:].flatten()]))[0, 1]))
        < 0.02
    )
    torch.testing.assert_close(changed("noise", x, strength=0.04) - x, 2 * small)


def test_brightness_is_added():
    x = images()
    torch.testing.assert_close(changed("brightness", x), (x - 0.3).clamp(0, 1))


def test_contrast_scales_the_differences_to_the_mean_of_a_channel():
    x = images()
    mean = x.mean((2, 3), keepdim=True)
    torch.testing.assert_close(changed("contrast", x), mean + 0.5 * (x - mean))
    torch.testing.assert_close(changed("contrast", x, strength=0), mean.expand_as(x))
    high = (mean + 4 * (x - mean)).clamp(0, 1)
    torch.testing.assert_close(changed("contrast", x, strength=4), high)


def test_perturbations_are_named_by_kind_and_strength():
    options = {"test_shift": [1, 2], "test_noise": [0.1], "test_brightness": [-0.2]}
    found = perturbations({**options, "test_contrast": []}, image_size=28)
    assert [p.name for p in found] == ["shift_1", "shift_2", "noise_0.1", "brightness_-0.2"]


def test_a_shift_as_large_as_the_image_is_refused():
    options = {f"test_{kind}": [] for kind in KINDS} | {"test_shift": [1, 28]}
    with pytest.raises(ValueError, match=r"data\.test_shift must be below .*, 28, got \[1, 28\]"):
        perturbations(options, image_size=28)
