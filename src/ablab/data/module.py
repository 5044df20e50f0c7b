"""The in-memory LightningDataModule of every data set of ablab's own."""

import hashlib
import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ablab import streams
from ablab.data import cache
from ablab.data.batches import Augmentation, Batches, Images, pixel_permutation
from ablab.data.image_set import ImageSet
from ablab.data.order import EpochOrder, FixedOrder
from ablab.data.perturbation import Perturbation
from ablab.data.settings import FULL
from ablab.data.split import check_val_fraction, split, subset
from ablab.data.statistics import Moments, histogram_of, moments
from ablab.data.trial_data import Batch, TrialData
from ablab.errors import InputError


class InMemoryDataModule(TrialData):
    """Holds images as bytes on the training device and loads them in normalized batches.

    Validation images are drawn from the training part, unless the set has a validation part. The
    test part is loaded on first use. On the CPU the arrays are copy-on-write memory maps of the
    cache.

    Args:
        image_set: the images.
        val_fraction: share of the training part for validation, in (0, 1); None where the set has
            a validation part.
        split_seed: seed of the training/validation split; None for the trial's seed.

    Attributes:
        eval_batch_size: validation or test images per step and process.
        seed: the trial's, for order, augmentation, permutation and, by default, the split.
        augmentation: of training batches (see `Batches`).
        train_images: number of training images (see `split`); None for all.
        val_images: number of validation images (see `split`, and `subset` for a separate
            validation part); None for all.
        test_images: number of test images, the same for all trials (see `subset`); None for all.
        standardize: subtract the mean and divide by the standard deviation of the training
            images, per channel (see `statistics`); if False, pixels are in [0, 1].
        permute_pixels: apply one pixel permutation, drawn from the seed, to all images after
            augmentation and perturbation, so that no pixel keeps its neighbors.
        shuffle: order of the training images (see `EpochOrder`).
        trained_normalization: that of a trained network, used in place of this set's own where the
            network is tested on a set that it was not trained on; None to train.

    Raises:
        InputError: ``val_fraction`` is out of range.
    """

    def __init__(
        self, image_set: ImageSet, val_fraction: float | None, split_seed: int | None = None
    ) -> None:
        check_val_fraction(val_fraction, image_set.has_val)
        super().__init__()
        self._batch_size: int | str = 128
        self.eval_batch_size = 250
        self.augmentation: Augmentation | None = None
        self.train_images: int | None = None
        self.val_images: int | None = None
        self.test_images: int | None = None
        self.standardize = True
        self.permute_pixels = False
        self.shuffle = "each_epoch"
        self.trained_normalization: Moments | None = None
        self._image_set = image_set
        self._val_fraction = val_fraction or 0.0
        self._split_seed = split_seed
        self._parts = ("train", *(("val",) if image_set.has_val else ()), "test")
        self._on_device: dict[tuple[str, torch.device], tuple[Tensor, Tensor]] = {}

    @property
    def batch_size(self) -> int:
        """Training images per step, over all processes; set to `FULL` for all of them."""
        return len(self._indices()[0]) if isinstance(self._batch_size, str) else self._batch_size

    @batch_size.setter
    def batch_size(self, value: int | str) -> None:
        if isinstance(value, str) and value != FULL:
            raise InputError(f"batch_size must be a number or {FULL}, got {value}")
        self._batch_size = value

    @property
    def smallest_batch(self) -> int:
        """Number of images of the smallest training batch: all have `batch_size`."""
        return self.batch_size

    @property
    def in_channels(self) -> int:
        """Number of channels of an image."""
        return self._image_set.in_channels

    @property
    def image_size(self) -> int:
        """Height and width of an image, in pixels."""
        return self._image_set.image_size

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes 0, 1, …."""
        return self._image_set.class_names

    @property
    def content_hash(self) -> str:
        """SHA-256 of all images and labels of all parts, and of the class names.

        Raises:
            DataError: the data are missing or damaged.
        """
        hashes = self._cached.hashes
        arrays = [hashes[self._array(part, kind)] for part in self._parts for kind in _KINDS]
        text = json.dumps([arrays, self.class_names])
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def cached_files(self) -> tuple[Path, ...]:
        """Files of the cache's entry: `cache.load` compares no more than their sizes and times."""
        return cache.files(self._image_set)

    def prepare_data(self) -> None:
        """Read and decode the data into the cache, unless they are there.

        Raises:
            DataError: the data are missing or damaged.
        """
        cache.load(self._image_set)

    def setup(self, stage: str | None = None) -> None:
        """Move images to the training device: all, or those that a stage of Lightning uses."""
        for part in self._parts:
            if stage is None or (part == "test") == (stage == "test"):
                self._images(part)

    def check(self) -> None:
        """Check that there are as many images as requested.

        Raises:
            DataError: the data are missing or damaged.
            ValueError: there are fewer.
        """
        self.train_dataloader()
        self.counts()

    def train_dataloader(self) -> Batches:
        """Return batches of the training images.

        Raises:
            InputError: there are fewer images than ``train_images`` or ``batch_size``, or
                ``batch_size`` is not divisible by the number of processes.
        """
        return self._training_batches(self.batch_size, self.shuffle, self.augmentation)

    def val_dataloader(self) -> Batches:
        """Return the validation images, each once, in a fixed order."""
        part = "val" if self._image_set.has_val else "train"
        return self._eval_batches(part, self._indices()[1])

    def test_dataloader(self) -> Batches:
        """Return the test images, each once, in the order of their source."""
        return self._eval_batches("test", self._indices()[2], self.perturbation)

    def transfer_batch_to_device(
        self, batch: Batch, device: torch.device, dataloader_idx: int
    ) -> Batch:
        """Return the batch unchanged: it is on the training device already."""
        return batch

    def first_images(self) -> Tensor:
        """Return the images of the first training batch, not augmented."""
        images: Tensor = next(iter(self._training_batches(self.batch_size, self.shuffle)))[0]
        return images

    def probe_batch(self, num_images: int) -> Batch:
        """Return training images drawn by the seed, not augmented, and their labels.

        They are the same in all processes, and at most as many as there are training images.
        """
        train = self._indices()[0]
        generator = streams.generator(self.seed, "probe_images")
        chosen = torch.randperm(len(train), generator=generator)[:num_images]
        order = FixedOrder(train[chosen].to(self._device), len(chosen))
        batches = Batches(self._images("train"), order, permutation=self._permutation())
        return next(iter(batches))

    def each_once(self) -> Batches:
        """Return all training images in one batch, not augmented."""
        return self._training_batches(len(self._indices()[0]), "none")

    def counts(self) -> dict[str, int]:
        """Return the numbers of classes and of training, validation and test images."""
        sizes = [len(indices) for indices in self._indices()]
        return {"num_classes": self.num_classes, **dict(zip(_COUNTED, sizes, strict=True))}

    @property
    def slices(self) -> dict[str, int]:
        """Size of each part of which a subset is used, as ``val_images_available``, …."""
        used, available = self._indices(), self._indices(whole=True)
        pairs = list(zip(_COUNTED, used, available, strict=True))[1:]
        return {f"{n}_available": len(b) for n, a, b in pairs if len(a) < len(b)}

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on the data that a reader of the results should know."""
        counts, slices = self.counts(), self.slices
        subsets = [
            f"Of {slices[key]:,} {part} images {counts[name]:,} are used (data.{name})."
            for name, part in (("val_images", "validation"), ("test_images", "test"))
            if (key := f"{name}_available") in slices
        ]
        return (*self._image_set.notes, *subsets)

    @property
    def unread(self) -> tuple[str, ...]:
        """Files and folders of the source that were not read."""
        return self._image_set.unread

    @property
    def statistics(self) -> Moments:
        """Mean and standard deviation of the training images, per channel, pixels in [0, 1]."""
        content = self._cached.hashes["train_images"]
        key = content, self._val_fraction, self._split_key, self.train_images
        if key not in _MOMENTS:
            train = self._indices()[0].numpy()
            images = self._cached.arrays["train_images"]
            _MOMENTS[key] = moments(histogram_of(train, images, self._cached.histogram))
        return _MOMENTS[key]

    @property
    def normalization(self) -> Moments:
        """What is subtracted from pixels in [0, 1], and their divisor, per channel."""
        if self.trained_normalization is not None:
            return self.trained_normalization
        channels = self.in_channels
        return self.statistics if self.standardize else ((0.0,) * channels, (1.0,) * channels)

    def test_pixels(self) -> Iterator[Tensor]:
        """Yield the test images as batches (B, H, W, C), uint8, in the order of their source."""
        pixels = torch.from_numpy(self._cached.arrays["test_images"])
        for indices in torch.split(self._indices()[2], self.eval_batch_size):
            yield pixels.index_select(0, indices)

    def epoch_images(self, num_batches: int) -> int:
        """Return the number of images in ``num_batches`` training batches, over all processes."""
        return num_batches * self.batch_size

    def to_pixels(self, images: Tensor) -> Tensor:
        """Return images of a batch as bytes, (N, C, H, W) uint8: the normalization is undone."""
        x = images.float()
        mean, std = (x.new_tensor(values).view(1, -1, 1, 1) for values in self.normalization)
        return (255 * (x * std + mean).nan_to_num()).round().clamp(0, 255).byte()

    @property
    def _split_key(self) -> int:
        return self.seed if self._split_seed is None else self._split_seed

    def _training_batches(
        self, batch_size: int, shuffle: str, augmentation: Augmentation | None = None
    ) -> Batches:
        (rank, world_size), train = self._process, self._indices()[0].to(self._device)
        order = EpochOrder(train, batch_size, self.seed, rank, world_size, shuffle=shuffle)
        permutation = self._permutation()
        return Batches(
            self._images("train"), order, augmentation, self.seed, permutation=permutation
        )

    def _eval_batches(
        self, part: str, indices: Tensor, perturbation: Perturbation | None = None
    ) -> Batches:
        rank, world_size = self._process
        order = FixedOrder(indices.to(self._device), self.eval_batch_size, rank, world_size)
        return Batches(
            self._images(part),
            order,
            seed=self.seed,
            perturbation=perturbation,
            permutation=self._permutation(),
        )

    def _indices(self, *, whole: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """Return the indices of the images that are used for training, validation and test (CPU).

        Args:
            whole: ignore ``val_images`` and ``test_images``.
        """
        sizes = {p: len(self._cached.arrays[self._array(p, "labels")]) for p in self._parts}
        val_images, test_images = (None, None) if whole else (self.val_images, self.test_images)
        train, val = split(
            sizes["train"], self._val_fraction, self._split_key, self.train_images, val_images
        )
        if self._image_set.has_val:
            val = subset("val", sizes["val"], val_images)
        return train, val, subset("test", sizes["test"], test_images)

    def _permutation(self) -> Tensor | None:
        if not self.permute_pixels:
            return None
        return pixel_permutation(self.seed, self.image_size).to(self._device)

    @cached_property
    def _cached(self) -> cache.Cached:
        return cache.load(self._image_set)

    def _images(self, part: str) -> Images:
        """Return a part's images and labels, on the training device."""
        key, device = (part, self._device), self._device
        if key not in self._on_device:
            pixels, labels = (
                torch.from_numpy(self._cached.arrays[self._array(part, kind)]) for kind in _KINDS
            )
            self._on_device[key] = pixels.to(device), labels.long().to(device)
        return Images(*self._on_device[key], *self.normalization)

    def _array(self, part: str, kind: str) -> str:
        """Return the name of a part's array of ``"images"`` or ``"labels"``."""
        return f"{part}_{self._image_set.labels if kind == 'labels' else kind}"

    @property
    def _device(self) -> torch.device:
        return self.trainer.strategy.root_device if self.trainer else torch.device("cpu")

    @property
    def _process(self) -> tuple[int, int]:
        """Rank of this process and number of processes."""
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)


_MOMENTS: dict[tuple[Any, ...], Moments] = {}  # trials of one process often share their images
_COUNTED = ("train_images", "val_images", "test_images")
_KINDS = ("images", "labels")
