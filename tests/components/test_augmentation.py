"""The contract of every augmentation, and crop_flip against a loop over images."""

import pytest
import torch
from contract import build
from torch import Tensor

LABELS = torch.arange(16)


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
    assert len(y) == 16


def test_draws_come_from_the_generator_alone(augmentation: str) -> None:
    augment = build("augmentation", augmentation)
    x = images()
    state = torch.get_rng_state()
    first, _ = augment(x, LABELS, seeded())
    assert torch.get_rng_state().equal(state)
    torch.manual_seed(1)
    assert augment(x, LABELS, seeded())[0].equal(first)


def test_input_is_left_alone(augmentation: str) -> None:
    x = images()
    before = x.clone()
    build("augmentation", augmentation)(x, LABELS, seeded())
    assert x.equal(before)


def test_layout_is_kept(augmentation: str) -> None:
    x, _ = build("augmentation", augmentation)(images(torch.channels_last), LABELS, seeded())
    assert x.is_contiguous(memory_format=torch.channels_last)


def test_none_hands_on_and_draws_nothing() -> None:
    x, generator = images(), seeded()
    before = generator.get_state()
    out = build("augmentation", "none")(x, LABELS, generator)
    assert out[0] is x
    assert out[1] is LABELS
    assert generator.get_state().equal(before)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_crop_flip_gives_every_image_a_window_of_its_padded_self(
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


def test_crop_flip_reaches_every_shift_evenly() -> None:
    count = 20_000
    x = torch.zeros(count, 1, 3, 3)
    x[:, :, 1, 1] = 1
    crop = build("augmentation", "crop_flip", padding=1, flip_p=0.0)
    out, _ = crop(x, torch.zeros(count), seeded())
    share = out.mean(0)[0]
    sd = (1 / 9 * 8 / 9 / count) ** 0.5
    assert ((share - 1 / 9).abs() < 5 * sd).all()


@pytest.mark.parametrize(("flip_p", "share"), [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)])
def test_crop_flip_mirrors_the_stated_share(flip_p: float, share: float) -> None:
    x = torch.tensor([0.0, 1.0]).expand(10_000, 1, 1, 2)
    out, _ = build("augmentation", "crop_flip", padding=0, flip_p=flip_p)(x, LABELS, seeded())
    mirrored = out[:, 0, 0, 0]
    assert abs(mirrored.mean().item() - share) <= 5 * (share * (1 - share) / 10_000) ** 0.5


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_crop_flip_works_where_the_images_are() -> None:
    x = images()
    crop = build("augmentation", "crop_flip")
    assert crop(x.cuda(), LABELS, seeded())[0].cpu().equal(crop(x, LABELS, seeded())[0])


@pytest.mark.parametrize(
    ("option", "value", "rule"),
    [("padding", -1, ">= 0"), ("flip_p", 1.5, r"in \[0, 1\]"), ("flip_p", -0.5, r"in \[0, 1\]")],
)
def test_crop_flip_refuses_what_is_out_of_range(option: str, value: float, rule: str) -> None:
    with pytest.raises(ValueError, match=f"{option} must be {rule}, got {value}"):
        build("augmentation", "crop_flip", **{option: value})
