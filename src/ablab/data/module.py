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
from ablab.data.order import EpochOrder, FixedOrder


class InMemoryDataModule(pl.LightningDataModule):
    """Images held as bytes on the training device, handed out as whole normalised batches.

    Validation images are drawn from the training part; the test part is loaded when it is asked
    for. On CPU the arrays are memory-mapped copies-on-write of the cache.

    Args:
        image_set: what is read.
        val_fraction: share of the training part that validation takes, in (0, 1).
        split_seed: of the draw; unset, the trial's own seed.

    Attributes:
        batch_size: training images a step, over all processes together.
        eval_batch_size: validation or test images a step and process.
        seed: the trial's, for order, augmentation and, unless it has its own, split.
        augmentation: of training batches (see `Batches`).

    Raises:
        ValueError: ``val_fraction`` is out of range.
    """

    def __init__(
        self, image_set: ImageSet, val_fraction: float, split_seed: int | None = None
    ) -> None:
        if not 0 < val_fraction < 1:
            raise ValueError(
                f"val_fraction must be between 0 and 1, both excluded, got {val_fraction}"
            )
        super().__init__()
        self.batch_size = 128
        self.eval_batch_size = 250
        self.seed = 0
        self.augmentation: Augmentation | None = None
        self._image_set = image_set
        self._val_fraction = val_fraction
        self._split_seed = split_seed
        self._placed: dict[tuple[str, torch.device], Images] = {}

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
        """SHA-256 that stands for all images and labels, train and test; reads the data.

        Raises:
            DataError: the data are missing or damaged.
        """
        hashes = self._cached.hashes
        text = "/".join(hashes[self._array(part, kind)] for part in _PARTS for kind in _KINDS)
        return hashlib.sha256(text.encode()).hexdigest()

    def prepare_data(self) -> None:
        """Read and decode the data into the cache, unless it holds them.

        Raises:
            DataError: the data are missing or damaged.
        """
        cache.load(self._image_set)

    def setup(self, stage: str | None = None) -> None:
        """Put images on the training device: all, or only those that a stage of Lightning uses."""
        for part in _PARTS:
            if stage is None or (part == "test") == (stage == "test"):
                self._images(part)

    def train_dataloader(self) -> Batches:
        """Return shuffled batches of the training images that validation leaves.

        Raises:
            ValueError: ``batch_size`` is more than there are, or not divisible by the processes.
        """
        images, (rank, world_size) = self._images("train"), self._process
        order = EpochOrder(self._split()[0], self.batch_size, self.seed, rank, world_size)
        return Batches(images, order, self.augmentation, self.seed, rank)

    def val_dataloader(self) -> Batches:
        """Return the validation images, each once, in a fixed order."""
        return self._evaluated("train", self._split()[1])

    def test_dataloader(self) -> Batches:
        """Return the test images, each once, in the order of their source."""
        return self._evaluated("test", torch.arange(len(self._images("test").labels)))

    def counts(self) -> dict[str, int]:
        """Return the numbers of classes and of training, validation and test images."""
        train, val = self._split()
        return {
            "num_classes": self.num_classes,
            "train_images": len(train),
            "val_images": len(val),
            "test_images": len(self._images("test").labels),
        }

    def _evaluated(self, part: str, indices: Tensor) -> Batches:
        rank, world_size = self._process
        order = FixedOrder(indices.to(self._device), self.eval_batch_size, rank, world_size)
        return Batches(self._images(part), order)

    def _split(self) -> tuple[Tensor, Tensor]:
        """Return the indices of the training and of the validation images, each ascending."""
        n = len(self._images("train").labels)
        seed = self.seed if self._split_seed is None else self._split_seed
        order = torch.randperm(n, generator=streams.generator(seed, "split"))
        num_val = round(self._val_fraction * n)
        if not num_val:
            raise ValueError(
                f"val_fraction must take at least one of {n} images, got {self._val_fraction}"
            )
        val, train = order[:num_val].sort().values, order[num_val:].sort().values
        return train.to(self._device), val.to(self._device)

    @cached_property
    def _cached(self) -> cache.Cached:
        return cache.load(self._image_set)

    def _images(self, part: str) -> Images:
        key = part, self._device
        if key not in self._placed:
            pixels, labels = (
                torch.from_numpy(self._cached.arrays[self._array(part, kind)]) for kind in _KINDS
            )
            self._placed[key] = Images(
                pixels.to(self._device),
                labels.long().to(self._device),
                self._cached.mean,
                self._cached.std,
            )
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


_PARTS = ("train", "test")
_KINDS = ("images", "labels")
