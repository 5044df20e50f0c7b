"""What training, testing and measuring ask of a data set."""

from abc import ABC, abstractmethod
from collections.abc import Iterable

import pytorch_lightning as pl
from torch import Tensor

from ablab.data.batches import Augmentation
from ablab.data.perturbation import Perturbation

Batch = tuple[Tensor, Tensor]


class TrialData(pl.LightningDataModule, ABC):
    """A LightningDataModule with what a trial needs besides its loaders.

    `ablab.data.module.InMemoryDataModule` has all of it; `ablab.data.plain.PlainDataModule` lends
    it to any other LightningDataModule.

    Attributes:
        seed: the trial's.
        augmentation: of training batches; None where there is none, or none of ours.
        perturbations: of the test images, that shall be tested.
        perturbation: the one that test batches have now; None: they are as they are.
        has_fixed_test_order: each test gives the same images in the same order, in each trial, so
            that trials can be compared image by image.
        batch_word: what decides how many images a training batch has, for messages.
    """

    seed: int = 0
    augmentation: Augmentation | None = None
    perturbations: tuple[Perturbation, ...] = ()
    perturbation: Perturbation | None = None
    has_fixed_test_order: bool = True
    batch_word: str = "batch_size"

    @property
    @abstractmethod
    def in_channels(self) -> int:
        """Number of channels of an image."""

    @property
    @abstractmethod
    def image_size(self) -> int:
        """Height and width of an image, in pixels."""

    @property
    @abstractmethod
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes 0, 1, …."""

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    @abstractmethod
    def content_hash(self) -> str:
        """What stands for the data in a trial's key, 64 hexadecimal digits.

        Raises:
            DataError: the data are missing or damaged.
        """

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what a reader of the results should know of the data."""
        return ()

    @property
    def unread(self) -> tuple[str, ...]:
        """What of the source was not read, each entry named."""
        return ()

    @property
    def slices(self) -> dict[str, int]:
        """How many images there are where fewer are used, by ``val_images_available``, …."""
        return {}

    @property
    @abstractmethod
    def smallest_batch(self) -> int:
        """Images of the smallest training batch, over all processes together."""

    @abstractmethod
    def check(self) -> None:
        """Find out what would stop training or testing.

        Raises:
            DataError: the data are missing or damaged.
            ValueError: a setting asks for what the data have not.
        """

    @abstractmethod
    def counts(self) -> dict[str, int]:
        """Return the numbers of classes and of training, validation and test images."""

    @abstractmethod
    def epoch_images(self, num_batches: int) -> int:
        """Return the images that so many training batches hold, over all processes together."""

    @abstractmethod
    def first_images(self) -> Tensor:
        """Return the images of the first training batch, not augmented."""

    @abstractmethod
    def probe_batch(self, num_images: int) -> Batch:
        """Return so many training images and their labels, the same at each call."""

    @abstractmethod
    def each_once(self) -> Iterable[Batch]:
        """Return batches of the training images, each once, as they are."""
