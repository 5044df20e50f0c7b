"""The contract of every augmentation, and each against a loop over images."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from contract import build as build_any
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, stats
from torch import Tensor

from ablab.components.augmentation.mixing import beta
from ablab.components.augmentation.rotation import rotate

K = 16
LABELS = torch.arange(K)


def build(axis: str, name: str, **options: Any) -> Any:
    """Return an augmentation, with the number of classes if it needs it."""
    return build_any(axis, name, num_classes=K, **options)


def images(layout: torch.memory_format = torch.contiguous_format) -> Tensor:
    return torch.rand(16, 3, 9, 9).contiguous(memory_format=layout)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("channels", [1, 3])
def test_shape_dtype_and_range_are_kept(augmentation: str, channels: int) -> None:
    x, y = build("augmentation", augmentation)(torch.rand(16, channels, 9, 9), LABELS, seeded())
    assert x.shape == (16, channels, 9, 9)
    assert x.dtype == torch.float32
    assert x.min() >= 0
    assert x.max() <= 1
    assert y is LABELS or y.shape == (16, K)


def test_soft_targets_are_probabilities(augmentation: str) -> None:
    augment = build("augmentation", augmentation)
    _, y = augment(images(), LABELS, seeded())
    soft = F.one_hot(y, K).float() if y.ndim == 1 else y
    assert (soft >= 0).all()
    assert torch.allclose(soft.sum(1), torch.ones(16))
    if y.ndim == 2:
        assert augment(images(), F.one_hot(LABELS, K).float(), seeded())[1].equal(y)


def test_a_batch_of_one_image_works(augmentation: str) -> None:
    x, y = build("augmentation", augmentation)(torch.rand(1, 3, 5, 5), LABELS[:1], seeded())
    assert (len(x), len(y)) == (1, 1)


def test_draws_come_from_the_generator_alone(augmentation: str) -> None:
    augment = build("augmentation", augmentation)
    x = images()
    state = torch.get_rng_state()
    first, _ = augment(x, LABELS, seeded())
    assert torch.get_rng_state().equal(state)
    torch.manual_seed(1)
    assert augment(x, LABELS, seeded())[0].equal(first)


def test_input_is_not_changed(augmentation: str) -> None:
    x = images()
    before = x.clone()
    build("augmentation", augmentation)(x, LABELS, seeded())
    assert x.equal(before)


def test_layout_is_kept(augmentation: str) -> None:
    x, _ = build("augmentation", augmentation)(images(torch.channels_last), LABELS, seeded())
    assert x.is_contiguous(memory_format=torch.channels_last)


def test_none_changes_and_draws_nothing() -> None:
    x, generator = images(), seeded()
    before = generator.get_state()
    out = build("augmentation", "none")(x, LABELS, generator)
    assert out[0] is x
    assert out[1] is LABELS
    assert generator.get_state().equal(before)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_crop_flip_returns_a_window_of_the_padded_image(
    layout: torch.memory_format,
) -> None:
    x = images(layout)
    out, y = build("augmentation", "crop_flip")(x, LABELS, seeded())
    seen = {window_of(image, moved) for image, moved in zip(x, out, strict=True)}
    assert None not in seen
    assert len(seen) > 10
    assert {flipped for _, _, flipped in seen} == {False, True}
    assert y is LABELS


def window_of(image: Tensor, moved: Tensor) -> tuple[int, int, bool] | None:
    """Return the corner and flip that make ``moved`` of ``image``, by trying them all."""
    for flipped in (False, True):
        target = moved.flip(2) if flipped else moved
        padded = torch.zeros(3, 17, 17)
        padded[:, 4:13, 4:13] = image
        for top in range(9):
            for left in range(9):
                if padded[:, top : top + 9, left : left + 9].equal(target):
                    return top, left, flipped
    return None


def test_crop_flip_draws_shifts_uniformly() -> None:
    count = 20_000
    x = torch.zeros(count, 1, 3, 3)
    x[:, :, 1, 1] = 1
    crop = build("augmentation", "crop_flip", padding=1, flip_p=0.0)
    out, _ = crop(x, torch.zeros(count), seeded())
    share = out.mean(0)[0]
    sd = (1 / 9 * 8 / 9 / count) ** 0.5
    assert ((share - 1 / 9).abs() < 5 * sd).all()


@pytest.mark.parametrize(("flip_p", "share"), [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)])
def test_crop_flip_flips_with_the_given_probability(flip_p: float, share: float) -> None:
    x = torch.tensor([0.0, 1.0]).expand(10_000, 1, 1, 2)
    out, _ = build("augmentation", "crop_flip", padding=0, flip_p=flip_p)(x, LABELS, seeded())
    mirrored = out[:, 0, 0, 0]
    assert abs(mirrored.mean().item() - share) <= 5 * (share * (1 - share) / 10_000) ** 0.5


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_augmentation_works_on_the_device_of_the_images(augmentation: str) -> None:
    x, augment = images(), build("augmentation", augmentation)
    there = augment(x.cuda(), LABELS.cuda(), seeded())
    for found, expected in zip(there, augment(x, LABELS, seeded()), strict=True):
        assert torch.allclose(found.cpu(), expected, atol=1e-5)
    there, y = augment(x.cuda(), LABELS.cuda(), torch.Generator("cuda").manual_seed(0))
    assert there.is_cuda
    assert y.is_cuda


@pytest.mark.parametrize(
    ("option", "value", "rule"),
    [("padding", -1, ">= 0"), ("flip_p", 1.5, r"in \[0, 1\]"), ("flip_p", -0.5, r"in \[0, 1\]")],
)
def test_crop_flip_refuses_values_out_of_range(option: str, value: float, rule: str) -> None:
    with pytest.raises(ValueError, match=f"{option} must be {rule}, got {value}"):
        build("augmentation", "crop_flip", **{option: value})


def test_cutout_changes_one_square_to_the_mean() -> None:
    x = torch.rand(500, 3, 9, 9)
    out, _ = build("augmentation", "cutout", size=4)(x, LABELS, seeded())
    changed = (out != x).any(1)
    mean = x.mean((0, 2, 3))
    heights, widths = set(), set()
    for image, mask in zip(out, changed, strict=True):
        rows, columns = mask.any(1), mask.any(0)
        assert mask.equal(rows[:, None] & columns)
        assert image[:, mask].allclose(mean[:, None])
        heights.add(int(rows.sum()))
        widths.add(int(columns.sum()))
    assert heights == widths == {2, 3, 4}  # the border cuts off half at the most


def test_cutout_covers_pixels_uniformly_except_near_the_border() -> None:
    count = 20_000
    x = torch.zeros(count, 1, 5, 5)
    x[0] = 1  # so that the mean is another color
    out, _ = build("augmentation", "cutout", size=1)(x, LABELS, seeded())
    share = (out[1:] != 0).float().mean(0)[0]
    assert ((share - 1 / 25).abs() < 5 * (1 / 25 * 24 / 25 / count) ** 0.5).all()


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_follow_the_beta_distribution(alpha: float) -> None:
    generator = seeded()
    drawn = [beta(alpha, generator).item() for _ in range(2000)]
    assert stats.kstest(drawn, stats.beta(alpha, alpha).cdf).pvalue > 0.01


@pytest.mark.parametrize("alpha", [1e-3, 1e3])
def test_shares_are_finite_for_extreme_alpha(alpha: float) -> None:
    generator = seeded()
    assert all(0 <= beta(alpha, generator).item() <= 1 for _ in range(200))


@pytest.mark.parametrize("seed", range(5))
def test_mixup_mixes_images_and_targets_with_one_weight(seed: int) -> None:
    x = images()
    out, y = build("augmentation", "mixup")(x, LABELS, seeded(seed))
    expected = torch.einsum("nk,kchw->nchw", y, x)  # image k is the one of class k
    assert torch.allclose(out, expected, atol=1e-6)
    assert len({round(share, 4) for share in y.max(1).values.tolist()} - {1.0}) <= 1


@pytest.mark.parametrize("seed", range(8))
def test_cutmix_mixes_targets_by_the_area_of_one_rectangle(seed: int) -> None:
    x = images()
    out, y = build("augmentation", "cutmix", p=1.0)(x, LABELS, seeded(seed))
    patches = [(image != plain).any(0) for image, plain in zip(out, x, strict=True)]
    mixed = [patch for patch in patches if patch.any()]
    for patch in mixed:
        assert patch.equal(patch.any(1)[:, None] & patch.any(0))
        assert patch.equal(mixed[0])
    own = y[LABELS, LABELS]
    for n, patch in enumerate(patches):
        partner = int((y[n] - F.one_hot(LABELS, K)[n] * own[n]).argmax()) if patch.any() else n
        assert out[n].equal(torch.where(patch, x[partner], x[n]))
        assert own[n].item() == pytest.approx(1 - patch.float().mean().item(), abs=1e-6)


def test_cutmix_mixes_batches_with_the_given_probability() -> None:
    augment, generator = build("augmentation", "cutmix", p=0.3), seeded()
    x = images()
    kept = [augment(x, LABELS, generator)[0].equal(x) for _ in range(400)]
    empty = 0.15  # a rectangle may be smaller than a pixel
    assert 0.7 - 5 * (0.21 / 400) ** 0.5 < np.mean(kept) < 0.7 + empty


@settings(deadline=None, max_examples=25, derandomize=True)
@given(
    height=st.integers(2, 9),
    width=st.integers(2, 9),
    angle=st.floats(-180, 180),
    seed=st.integers(0, 99),
)
def test_rotation_is_scipys(height: int, width: int, angle: float, seed: int) -> None:
    image = np.random.default_rng(seed).random((height, width))
    radians = np.radians(angle)
    matrix = np.array([[np.cos(radians), np.sin(radians)], [-np.sin(radians), np.cos(radians)]])
    center = (np.array([height, width]) - 1) / 2
    expected = ndimage.affine_transform(
        image, matrix, center - matrix @ center, order=1, mode="grid-constant"
    )
    x, turn = torch.from_numpy(image)[None, None], torch.tensor([radians], dtype=torch.float64)
    np.testing.assert_allclose(rotate(x, turn)[0, 0].numpy(), expected, atol=1e-9)


def test_rotation_is_counterclockwise() -> None:
    x = images()
    turned = rotate(x, torch.full((16,), np.pi / 2))
    assert torch.allclose(turned, x.rot90(1, (2, 3)), atol=1e-5)


def test_rotation_draws_angles_uniformly() -> None:
    count = 4000
    x = torch.zeros(count, 1, 65, 65)
    x[:, :, 32, 60] = 1  # to the right of the center
    out, _ = build("augmentation", "rotation", degrees=30)(x, LABELS, seeded())
    pixel = torch.arange(65.0) - 32
    mass = out.sum((1, 2, 3))
    across = (out[:, 0].sum(1) * pixel).sum(1) / mass
    down = (out[:, 0].sum(2) * pixel).sum(1) / mass
    angles = torch.atan2(-down, across).rad2deg()
    assert angles.abs().max() < 30.5
    assert stats.kstest(angles.numpy(), stats.uniform(-30, 60).cdf).pvalue > 0.01


def test_crop_flip_rotation_combines_both() -> None:
    x = images()
    still = build("augmentation", "crop_flip_rotation", degrees=0)(x, LABELS, seeded())[0]
    crop = build("augmentation", "crop_flip")(x, LABELS, seeded())[0]
    assert torch.allclose(still, crop, atol=1e-5)
    options = {"padding": 0, "flip_p": 0.0, "degrees": 90}
    turned = build("augmentation", "crop_flip_rotation", **options)(x, LABELS, seeded())[0]
    assert not torch.allclose(turned, x, atol=1e-2)


@pytest.mark.parametrize(
    ("name", "option", "value", "rule"),
    [
        ("cutout", "size", 0, "an integer >= 1"),
        ("mixup", "alpha", 0.0, "> 0"),
        ("cutmix", "alpha", -1.0, "> 0"),
        ("cutmix", "p", 1.5, r"in \[0, 1\]"),
        ("rotation", "degrees", 181, r"in \[0, 180\]"),
    ],
)
def test_values_out_of_range_are_refused(name: str, option: str, value: float, rule: str) -> None:
    with pytest.raises(ValueError, match=f"{option} must be {rule}, got {value}"):
        build("augmentation", name, **{option: value})
