"""The interface of a data set for training, testing and probes."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path

from torch import Tensor

from ablab.data.batches import Augmentation
from ablab.data.perturbation import Perturbation
from ablab.lightning import pl

Batch = tuple[Tensor, Tensor]


class TrialData(pl.LightningDataModule, ABC):
    """A LightningDataModule with further properties that a trial needs.

    `ablab.data.module.InMemoryDataModule` implements it; `ablab.data.plain.PlainDataModule` adds
    it to any other LightningDataModule.

    Attributes:
        seed: the trial's.
        augmentation: of training batches; None where ablab applies none.
        perturbations: of the test images, each tested in turn.
        perturbation: the one applied to test batches now; None for unchanged images.
        has_fixed_test_order: whether the test images and their order are the same in all trials,
            so that trials can be compared image by image.
        batch_word: the setting that decides the training batch size, for messages.
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
        """Hash of the data for a trial's key, 64 hexadecimal digits.

        Raises:
            DataError: the data are missing or damaged.
        """

    @property
    def cached_files(self) -> tuple[Path, ...] | None:
        """Files whose sizes and times show that `content_hash` is the same; None if none do."""
        return None

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on the data that a reader of the results should know."""
        return ()

    @property
    def unread(self) -> tuple[str, ...]:
        """Files and folders of the source that were not read."""
        return ()

    @property
    def slices(self) -> dict[str, int]:
        """Size of each part of which a subset is used, as ``val_images_available``, …."""
        return {}

    @property
    @abstractmethod
    def smallest_batch(self) -> int:
        """Number of images of the smallest training batch, over all processes."""

    @abstractmethod
    def check(self) -> None:
        """Check that the data can be loaded with these settings.

        Raises:
            DataError: the data are missing or damaged.
            ValueError: a setting does not fit the data.
        """

    @abstractmethod
    def counts(self) -> dict[str, int]:
        """Return the numbers of classes and of training, validation and test images."""

    @abstractmethod
    def epoch_images(self, num_batches: int) -> int:
        """Return the number of images in ``num_batches`` training batches, over all processes."""

    @abstractmethod
    def first_images(self) -> Tensor:
        """Return the images of the first training batch, not augmented."""

    @abstractmethod
    def probe_batch(self, num_images: int) -> Batch:
        """Return ``num_images`` training images and their labels, the same at each call."""

    @abstractmethod
    def each_once(self) -> Iterable[Batch]:
        """Return batches of the training images, each image once, not augmented."""

    def to_pixels(self, images: Tensor) -> Tensor:
        """Return images of a batch as bytes to look at, (N, C, H, W) uint8.

        How they were normalized is unknown here: each image is scaled to its own range.

        Args:
            images: (N, C, H, W), as the network gets them.
        """
        flat = images.float().flatten(1)
        low = flat.amin(1, keepdim=True)
        scaled = (flat - low) / (flat.amax(1, keepdim=True) - low).clamp_min(1e-12)
        return (255 * scaled.nan_to_num()).round().byte().view(images.shape)
