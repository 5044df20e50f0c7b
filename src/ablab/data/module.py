"""The in-memory LightningDataModule that every data set is."""

import hashlib
from functools import cached_property

import pytorch_lightning as pl
import torch
from torch import Tensor

from ablab import streams
from ablab.data import cache
from ablab.data.batches import Augmentation, Batches, Images
from ablab.data.image_set import ImageSet
from ablab.data.order import FULL, EpochOrder, FixedOrder
from ablab.data.perturbation import Perturbation
from ablab.data.split import split


class InMemoryDataModule(pl.LightningDataModule):
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
            validation leaves. Mean and deviation stay those of the whole training part.
        standardize: subtract mean and divide by deviation, per channel; else pixels in [0, 1].
        permute_pixels: put the pixels of each image, training, validation and test, into one
            order that is drawn from the seed, behind augmentation and perturbation: a network
            sees the same images with no neighbourhoods left.
        shuffle: how training images are ordered (see `EpochOrder`).
        perturbations: of the test images, that shall be tested.
        perturbation: the one that test batches have now; None: they are as they are.

    Raises:
        ValueError: ``val_fraction`` is out of range.
    """

    def __init__(
        self, image_set: ImageSet, val_fraction: float | None, split_seed: int | None = None
    ) -> None:
        _check_fraction(val_fraction, image_set.has_val)
        super().__init__()
        self._batch_size: int | str = 128
        self.eval_batch_size = 250
        self.seed = 0
        self.augmentation: Augmentation | None = None
        self.train_images: int | None = None
        self.standardize = True
        self.permute_pixels = False
        self.shuffle = "each_epoch"
        self.perturbations: tuple[Perturbation, ...] = ()
        self.perturbation: Perturbation | None = None
        self._image_set = image_set
        self._val_fraction = val_fraction or 0.0
        self._split_seed = split_seed
        self._parts = ("train", *(("val",) if image_set.has_val else ()), "test")
        self._placed: dict[tuple[str, torch.device], Images] = {}

    @property
    def batch_size(self) -> int:
        """Training images a step, over all processes together; set to `FULL`, all of them."""
        return len(self._split()[0]) if isinstance(self._batch_size, str) else self._batch_size

    @batch_size.setter
    def batch_size(self, value: int | str) -> None:
        if isinstance(value, str) and value != FULL:
            raise ValueError(f"batch_size must be a number or {FULL}, got {value}")
        self._batch_size = value

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
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self._image_set.class_names)

    @property
    def content_hash(self) -> str:
        """SHA-256 that stands for all images and labels of all parts; reads the data.

        Raises:
            DataError: the data are missing or damaged.
        """
        hashes = self._cached.hashes
        text = "/".join(hashes[self._array(part, kind)] for part in self._parts for kind in _KINDS)
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

    def train_dataloader(self) -> Batches:
        """Return batches of the training images.

        Raises:
            ValueError: there are not so many images as ``train_images`` or ``batch_size`` says, or
                ``batch_size`` is not divisible by the processes.
        """
        (rank, world_size), train = self._process, self._split()[0]
        order = EpochOrder(
            train, self.batch_size, self.seed, rank, world_size, shuffle=self.shuffle
        )
        permutation = self._permutation()
        images = self._images("train")
        return Batches(images, order, self.augmentation, self.seed, permutation=permutation)

    def val_dataloader(self) -> Batches:
        """Return the validation images, each once, in a fixed order."""
        if self._image_set.has_val:
            return self._evaluated("val", self._all("val"))
        return self._evaluated("train", self._split()[1])

    def test_dataloader(self) -> Batches:
        """Return the test images, each once, in the order of their source."""
        return self._evaluated("test", self._all("test"), self.perturbation)

    def transfer_batch_to_device(
        self, batch: tuple[Tensor, Tensor], device: torch.device, dataloader_idx: int
    ) -> tuple[Tensor, Tensor]:
        """Return a batch as it is: its images lie on the training device already."""
        return batch

    def probe_batch(self, num_images: int) -> tuple[Tensor, Tensor]:
        """Return training images that are drawn from the seed, as they are, and their labels.

        The same in all processes; all training images where there are no more than asked for.
        """
        train = self._split()[0]
        generator = streams.generator(self.seed, "probe_images")
        drawn = torch.randperm(len(train), generator=generator)[:num_images]
        order = FixedOrder(train[drawn.to(train.device)], len(drawn))
        batches = Batches(self._images("train"), order, permutation=self._permutation())
        return next(iter(batches))

    def counts(self) -> dict[str, int]:
        """Return the numbers of classes and of training, validation and test images."""
        train, val = self._split()
        return {
            "num_classes": self.num_classes,
            "train_images": len(train),
            "val_images": len(self._all("val") if self._image_set.has_val else val),
            "test_images": len(self._images("test").labels),
        }

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

    def _all(self, part: str) -> Tensor:
        return torch.arange(len(self._images(part).labels))

    def _split(self) -> tuple[Tensor, Tensor]:
        """Return the indices of those images of the training part that train and that validate."""
        seed = self.seed if self._split_seed is None else self._split_seed
        n = len(self._images("train").labels)
        train, val = split(n, self._val_fraction, seed, self.train_images)
        return train.to(self._device), val.to(self._device)

    def _permutation(self) -> Tensor | None:
        if not self.permute_pixels:
            return None
        generator = streams.generator(self.seed, "permutation")
        return torch.randperm(self.image_size**2, generator=generator).to(self._device)

    @cached_property
    def _cached(self) -> cache.Cached:
        return cache.load(self._image_set)

    def _images(self, part: str) -> Images:
        key = part, self._device
        if key not in self._placed:
            pixels, labels = (
                torch.from_numpy(self._cached.arrays[self._array(part, kind)]) for kind in _KINDS
            )
            mean, std = self._cached.mean, self._cached.std
            if not self.standardize:
                mean, std = (0.0,) * len(mean), (1.0,) * len(std)
            device = self._device
            self._placed[key] = Images(pixels.to(device), labels.long().to(device), mean, std)
        return self._placed[key]

    def _array(self, part: str, kind: str) -> str:
        return f"{part}_{self._image_set.labels if kind == 'labels' else kind}"

    @property
    def _device(self) -> torch.device:
        return self.trainer.strategy.root_device if self.trainer else torch.device("cpu")

    @property
    def _process(self) -> tuple[int, int]:
        """Rank of this process and number of processes."""
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)


_KINDS = ("images", "labels")


def _check_fraction(val_fraction: float | None, has_val: bool) -> None:
    if has_val and val_fraction is not None:
        raise ValueError(
            "val_fraction must be null where the data set has validation images of its own, "
            f"got {val_fraction}"
        )
    if not has_val and (val_fraction is None or not 0 < val_fraction < 1):
        raise ValueError(f"val_fraction must be between 0 and 1, both excluded, got {val_fraction}")
