"""The in-memory LightningDataModule that every data set is."""

import hashlib
import json
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ablab import streams
from ablab.data import cache
from ablab.data.batches import Augmentation, Batches, Images
from ablab.data.image_set import ImageSet
from ablab.data.order import FULL, EpochOrder, FixedOrder
from ablab.data.perturbation import Perturbation
from ablab.data.split import sliced, split
from ablab.data.statistics import Moments, histogram_of, moments
from ablab.data.trial_data import Batch, TrialData
from ablab.errors import InputError


class InMemoryDataModule(TrialData):
    """Images held as bytes on the training device, handed out as whole normalised batches.

    Validation images are drawn from the training part, unless the set has a part of its own for
    them; the test part is loaded when it is asked for. On CPU the arrays are memory-mapped
    copies-on-write of the cache.

    Args:
        image_set: what is read.
        val_fraction: share of the training part that validation takes, in (0, 1); None where the
            set has validation images of its own.
        split_seed: of the draw; unset, the trial's own seed.

    Attributes:
        eval_batch_size: validation or test images a step and process.
        seed: the trial's, for order, augmentation, permutation and, unless it has its own, split.
        augmentation: of training batches (see `Batches`).
        train_images: how many train, the first of the split's order (see `split`); None: all that
            validation leaves.
        val_images: how many validate (see `split`, and `sliced` for a part of its own); None: all.
        test_images: how many test, the same for all trials (see `sliced`); None: all.
        standardize: subtract the mean and divide by the standard deviation of the images that
            train, per channel (see `statistics`); else pixels in [0, 1].
        permute_pixels: put the pixels of each image, training, validation and test, into one
            order that is drawn from the seed, behind augmentation and perturbation: a network
            sees the same images with no neighbourhoods left.
        shuffle: how training images are ordered (see `EpochOrder`).

    Raises:
        InputError: ``val_fraction`` is out of range.
    """

    def __init__(
        self, image_set: ImageSet, val_fraction: float | None, split_seed: int | None = None
    ) -> None:
        _check_fraction(val_fraction, image_set.has_val)
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
        self._image_set = image_set
        self._val_fraction = val_fraction or 0.0
        self._split_seed = split_seed
        self._parts = ("train", *(("val",) if image_set.has_val else ()), "test")
        self._placed: dict[tuple[str, torch.device], tuple[Tensor, Tensor]] = {}
        self._measured: dict[tuple[Any, ...], Moments] = {}

    @property
    def batch_size(self) -> int:
        """Training images a step, over all processes together; set to `FULL`, all of them."""
        return len(self._indices()[0]) if isinstance(self._batch_size, str) else self._batch_size

    @batch_size.setter
    def batch_size(self, value: int | str) -> None:
        if isinstance(value, str) and value != FULL:
            raise InputError(f"batch_size must be a number or {FULL}, got {value}")
        self._batch_size = value

    @property
    def smallest_batch(self) -> int:
        """Images of the smallest training batch: each has as many."""
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
        """SHA-256 that stands for all images and labels of all parts, and the classes' names.

        Raises:
            DataError: the data are missing or damaged.
        """
        hashes = self._cached.hashes
        arrays = [hashes[self._array(part, kind)] for part in self._parts for kind in _KINDS]
        text = json.dumps([arrays, self.class_names])
        return hashlib.sha256(text.encode()).hexdigest()

    def prepare_data(self) -> None:
        """Read and decode the data into the cache, unless it holds them.

        Raises:
            DataError: the data are missing or damaged.
        """
        cache.load(self._image_set)

    def setup(self, stage: str | None = None) -> None:
        """Put images on the training device: all, or only those that a stage of Lightning uses."""
        for part in self._parts:
            if stage is None or (part == "test") == (stage == "test"):
                self._images(part)

    def check(self) -> None:
        """Find out whether there are as many images as are asked for.

        Raises:
            DataError: the data are missing or damaged.
            ValueError: there are not.
        """
        self.train_dataloader()
        self.counts()

    def train_dataloader(self) -> Batches:
        """Return batches of the training images.

        Raises:
            InputError: there are not so many images as ``train_images`` or ``batch_size`` says, or
                ``batch_size`` is not divisible by the processes.
        """
        return self._training_batches(self.batch_size, self.shuffle, self.augmentation)

    def val_dataloader(self) -> Batches:
        """Return the validation images, each once, in a fixed order."""
        part = "val" if self._image_set.has_val else "train"
        return self._evaluated(part, self._indices()[1])

    def test_dataloader(self) -> Batches:
        """Return the test images, each once, in the order of their source."""
        return self._evaluated("test", self._indices()[2], self.perturbation)

    def transfer_batch_to_device(
        self, batch: Batch, device: torch.device, dataloader_idx: int
    ) -> Batch:
        """Return a batch as it is: its images lie on the training device already."""
        return batch

    def first_images(self) -> Tensor:
        """Return the images of the first training batch, not augmented."""
        images: Tensor = next(iter(self._training_batches(self.batch_size, self.shuffle)))[0]
        return images

    def probe_batch(self, num_images: int) -> Batch:
        """Return training images that are drawn from the seed, as they are, and their labels.

        The same in all processes; all training images where there are no more than asked for.
        """
        train = self._indices()[0]
        generator = streams.generator(self.seed, "probe_images")
        drawn = torch.randperm(len(train), generator=generator)[:num_images]
        order = FixedOrder(train[drawn].to(self._device), len(drawn))
        batches = Batches(self._images("train"), order, permutation=self._permutation())
        return next(iter(batches))

    def each_once(self) -> Batches:
        """Return all training images in one batch, as they are."""
        return self._training_batches(len(self._indices()[0]), "none")

    def counts(self) -> dict[str, int]:
        """Return the numbers of classes and of training, validation and test images."""
        sizes = [len(indices) for indices in self._indices()]
        return {"num_classes": self.num_classes, **dict(zip(_COUNTED, sizes, strict=True))}

    @property
    def slices(self) -> dict[str, int]:
        """How many images there are where fewer are used, by ``val_images_available``, …."""
        used, there = self._indices(), self._indices(whole=True)
        pairs = list(zip(_COUNTED, used, there, strict=True))[1:]
        return {f"{n}_available": len(b) for n, a, b in pairs if len(a) < len(b)}

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what a reader of the results should know of the data."""
        counts, slices = self.counts(), self.slices
        said = [
            f"Of {slices[key]:,} {word} images {counts[name]:,} are used (data.{name})."
            for name, word in (("val_images", "validation"), ("test_images", "test"))
            if (key := f"{name}_available") in slices
        ]
        return (*self._image_set.notes, *said)

    @property
    def unread(self) -> tuple[str, ...]:
        """What of the source was not read."""
        return self._image_set.unread

    @property
    def statistics(self) -> Moments:
        """Mean and standard deviation of the images that train, per channel, pixels in [0, 1]."""
        seed = self.seed if self._split_seed is None else self._split_seed
        key = seed, self.train_images
        if key not in self._measured:
            train = self._indices()[0].numpy()
            images = self._cached.arrays["train_images"]
            self._measured[key] = moments(histogram_of(train, images, self._cached.histogram))
        return self._measured[key]

    def epoch_images(self, num_batches: int) -> int:
        """Return the images that so many training batches hold, over all processes together."""
        return num_batches * self.batch_size

    def _training_batches(
        self, batch_size: int, shuffle: str, augmentation: Augmentation | None = None
    ) -> Batches:
        (rank, world_size), train = self._process, self._indices()[0].to(self._device)
        order = EpochOrder(train, batch_size, self.seed, rank, world_size, shuffle=shuffle)
        permutation = self._permutation()
        return Batches(
            self._images("train"), order, augmentation, self.seed, permutation=permutation
        )

    def _evaluated(
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
        """Return the indices of those images of each part that are used; on the CPU.

        Args:
            whole: as if neither validation nor test were sliced.
        """
        seed = self.seed if self._split_seed is None else self._split_seed
        sizes = {p: len(self._cached.arrays[self._array(p, "labels")]) for p in self._parts}
        val_images, test_images = (None, None) if whole else (self.val_images, self.test_images)
        train, val = split(sizes["train"], self._val_fraction, seed, self.train_images, val_images)
        if self._image_set.has_val:
            val = sliced("val", sizes["val"], val_images)
        return train, val, sliced("test", sizes["test"], test_images)

    def _permutation(self) -> Tensor | None:
        if not self.permute_pixels:
            return None
        generator = streams.generator(self.seed, "permutation")
        return torch.randperm(self.image_size**2, generator=generator).to(self._device)

    @cached_property
    def _cached(self) -> cache.Cached:
        return cache.load(self._image_set)

    def _images(self, part: str) -> Images:
        """Return a part's images and labels, on the training device."""
        key, device = (part, self._device), self._device
        if key not in self._placed:
            pixels, labels = (
                torch.from_numpy(self._cached.arrays[self._array(part, kind)]) for kind in _KINDS
            )
            self._placed[key] = pixels.to(device), labels.long().to(device)
        channels = self.in_channels
        plain = (0.0,) * channels, (1.0,) * channels
        return Images(*self._placed[key], *(self.statistics if self.standardize else plain))

    def _array(self, part: str, kind: str) -> str:
        return f"{part}_{self._image_set.labels if kind == 'labels' else kind}"

    @property
    def _device(self) -> torch.device:
        return self.trainer.strategy.root_device if self.trainer else torch.device("cpu")

    @property
    def _process(self) -> tuple[int, int]:
        """Rank of this process and number of processes."""
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)


_COUNTED = ("train_images", "val_images", "test_images")
_KINDS = ("images", "labels")


def _check_fraction(val_fraction: float | None, has_val: bool) -> None:
    if has_val and val_fraction is not None:
        raise InputError(
            "val_fraction must be null where the data set has validation images of its own, "
            f"got {val_fraction}"
        )
    if not has_val and (val_fraction is None or not 0 < val_fraction < 1):
        raise InputError(f"val_fraction must be between 0 and 1, both excluded, got {val_fraction}")
