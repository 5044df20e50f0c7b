import random

import numpy as np
import pytest
import torch

from ablab.components.augmentation.crop_flip import CropFlip
from ablab.components.augmentation.crop_flip_rotation import CropFlipRotation
from ablab.components.augmentation.cutmix import CutMix
from ablab.components.augmentation.cutout import Cutout
from ablab.components.augmentation.mixup import Mixup
from ablab.components.augmentation.rotation import Rotation
from ablab.data.batches import Batches, Images
from ablab.data.order import EpochOrder, FixedOrder
from ablab.data.perturbation import Perturbation


def images(channels=3, n=40, size=6):
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(
        0, 256, (n, size, size, channels), dtype=torch.uint8, generator=generator
    )
    mean, std = (0.2, 0.4, 0.6)[:channels], (0.1, 0.2, 0.3)[:channels]
    return Images(pixels, torch.arange(n), mean, std)


def normalized(images):
    x = images.pixels.permute(0, 3, 1, 2).double() / 255
    mean, std = (torch.tensor(v).double()[:, None, None] for v in (images.mean, images.std))
    return (x - mean) / std


def in_order(images, augmentation=None, **options):
    n = len(images.labels)
    return Batches(images, FixedOrder(torch.arange(n), 15), augmentation, **options)


def joined(batches):
    xs, ys = zip(*batches, strict=True)
    return torch.cat(xs), torch.cat(ys)


@pytest.mark.parametrize("channels", [1, 3])
def test_batches_are_the_images_normalized(channels):
    given = images(channels)
    x, y = joined(in_order(given))
    torch.testing.assert_close(x.double(), normalized(given), rtol=1e-5, atol=1e-5)
    assert torch.equal(y, given.labels)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("augmentation", [None, lambda x, y, generator: (x, y)])
def test_batches_are_float32_in_channels_last(channels, augmentation):
    for x, y in in_order(images(channels), augmentation):
        assert x.shape[1:] == (channels, 6, 6)
        assert (x.dtype, y.dtype) == (torch.float32, torch.int64)
        assert x.is_contiguous(memory_format=torch.channels_last)


def test_augmentation_sees_pixels_from_0_to_1_and_normalization_follows():
    given = images()
    seen = []

    def look(x, y, generator):
        seen.append(x.clone())
        return x, y

    x, _ = joined(in_order(given, look))
    expected = given.pixels.permute(0, 3, 1, 2) / 255
    torch.testing.assert_close(torch.cat(seen), expected)
    torch.testing.assert_close(x.double(), normalized(given), rtol=1e-5, atol=1e-5)


def test_augmentation_may_return_another_layout_and_soft_targets():
    def flip(x, y, generator):
        return x.flip(3).contiguous(), torch.nn.functional.one_hot(y, 40).float()

    given = images()
    x, y = joined(in_order(given, flip))
    torch.testing.assert_close(x.double(), normalized(given).flip(3), rtol=1e-5, atol=1e-5)
    assert y.shape == (40, 40)


def test_changes_to_a_batch_do_not_change_the_images():
    given = images()
    before = given.pixels.clone()
    for x, _ in in_order(given, lambda x, y, generator: (x.zero_(), y)):
        x.fill_(1)
    assert torch.equal(given.pixels, before)


def noise(x, y, generator):
    return torch.rand(x.shape, generator=generator), y


def shuffled(epoch, seed=0, augmentation=noise, rank=0, world_size=1):
    order = EpochOrder(torch.arange(40), 10, seed, rank, world_size)
    batches = Batches(images(), order, augmentation, seed=seed)
    batches.sampler.set_epoch(epoch)
    return batches


def test_augmentation_is_a_function_of_seed_and_epoch():
    first, again, *others = (joined(shuffled(*of))[0] for of in ((2, 0), (2, 0), (3, 0), (2, 1)))
    assert torch.equal(first, again)
    assert not any(torch.equal(first, other) for other in others)


def from_global_generators(x, y, generator):
    drawn = torch.rand(()) + random.random() + np.random.rand()  # noqa: NPY002
    return x * drawn * torch.rand(len(x))[:, None, None, None], y


AUGMENTATIONS = {
    "of a generator": noise,
    "of the global generators": from_global_generators,
    "crop_flip": CropFlip(2, 0.5),
    "crop_flip_rotation": CropFlipRotation(2, 0.5, 30),
    "cutmix": CutMix(40, 1.0, 0.8),
    "cutout": Cutout(3),
    "mixup": Mixup(40, 0.7),
    "rotation": Rotation(90),
}


@pytest.mark.parametrize("name", AUGMENTATIONS)
@pytest.mark.parametrize("world_size", [2, 5])
def test_shares_of_an_augmented_batch_equal_those_of_one_process(name, world_size):
    augmentation = AUGMENTATIONS[name]
    whole = list(shuffled(2, augmentation=augmentation))
    shares = [
        shuffled(2, augmentation=augmentation, rank=rank, world_size=world_size)
        for rank in range(world_size)
    ]
    for (x, y), *parts in zip(whole, *shares, strict=True):
        xs, ys = zip(*parts, strict=True)
        assert torch.equal(torch.cat(xs), x)
        assert torch.equal(torch.cat(ys), y)


def test_a_users_augmentation_does_not_depend_on_earlier_draws():
    torch.manual_seed(1)
    x, _ = joined(shuffled(2, augmentation=from_global_generators))
    random.seed(5)
    again = []
    for batch, _ in shuffled(2, augmentation=from_global_generators):
        again.append(batch)
        torch.rand(3), np.random.rand()  # noqa: NPY002
    assert torch.equal(torch.cat(again), x)


def test_a_users_augmentation_restores_the_global_generators():
    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    before = torch.rand(2), random.random(), np.random.rand()  # noqa: NPY002
    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    joined(shuffled(0, augmentation=from_global_generators))
    assert torch.equal(torch.rand(2), before[0])
    assert (random.random(), np.random.rand()) == before[1:]  # noqa: NPY002


def test_epoch_is_read_at_the_first_batch():
    batches = Batches(images(), EpochOrder(torch.arange(40), 10, seed=0))
    iterator = iter(batches)  # Lightning makes it before it sets the epoch
    batches.sampler.set_epoch(5)
    assert torch.equal(next(iterator)[1], next(iter(batches))[1])
    early = next(iter(batches))[1]
    batches.sampler.set_epoch(0)
    assert not torch.equal(next(iter(batches))[1], early)


def test_length_is_the_number_of_batches():
    batches = in_order(images())
    assert len(batches) == len(list(batches)) == 3


def test_permute_pixels_reorders_pixels():
    given, permutation = images(), torch.randperm(36, generator=torch.Generator().manual_seed(1))
    plain, permuted = (
        joined(in_order(given))[0],
        joined(in_order(given, permutation=permutation))[0],
    )
    assert torch.equal(permuted.flatten(2), plain.flatten(2)[:, :, permutation])
    assert permuted.is_contiguous(memory_format=torch.channels_last)


def test_augmentation_and_perturbation_come_before_the_permutation():
    given, permutation = images(), torch.arange(35, -1, -1)
    seen = []

    def look(x, *_):
        seen.append(x.clone())
        return x, _[0]

    x, _ = joined(in_order(given, look, permutation=permutation))
    torch.testing.assert_close(torch.cat(seen), given.pixels.permute(0, 3, 1, 2) / 255)
    torch.testing.assert_close(
        x.double().flatten(2).flip(2), normalized(given).flatten(2), rtol=1e-5, atol=1e-5
    )
    darker = Perturbation("brightness", -0.5)
    x, _ = joined(in_order(given, perturbation=darker, permutation=permutation))
    pixels = (given.pixels.permute(0, 3, 1, 2).double() / 255 - 0.5).clamp(0, 1)
    mean, std = (torch.tensor(v).double()[:, None, None] for v in (given.mean, given.std))
    expected = ((pixels - mean) / std).flatten(2).flip(2)
    torch.testing.assert_close(x.double().flatten(2), expected, rtol=1e-5, atol=1e-5)
