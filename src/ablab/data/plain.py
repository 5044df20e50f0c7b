"""Adapts any LightningDataModule to a data set; its batches are used unchanged.

It needs `ATTRIBUTES`, and training, validation and test loaders of known length that yield
``(x, y)`` (see `ablab.data.plain_batches`). It may have ``class_names``, and a string
``content_hash`` of its data.

Random draws in its constructor, `prepare_data` and `setup` are the same for all trials, so that
all are tested on the same images; draws of its loaders depend on the trial's seed. A trial's key
includes its source and its arguments, and the content of the data only through ``content_hash``.
"""

import hashlib
import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ablab.data.class_names import check_class_names
from ablab.data.errors import DataError
from ablab.data.own_generators import OwnGenerators
from ablab.data.plain_batches import PlainBatches
from ablab.data.trial_data import Batch, TrialData
from ablab.errors import InputError

ATTRIBUTES = ("in_channels", "num_classes", "image_size")
PARTS = ("train", "val", "test")
_METHODS = ("prepare_data", "setup", "teardown", "transfer_batch_to_device", "state_dict")


class PlainDataModule(TrialData):
    """Wraps a user's LightningDataModule as the data of a trial.

    Args:
        inner: the user's module.
        identity: its class and arguments, as text.

    Raises:
        InputError: it is not a LightningDataModule, or lacks an attribute.
    """

    batch_word = "the smallest batch of dataset's train_dataloader"

    def __init__(self, inner: Any, identity: str) -> None:
        _check(inner)
        self._inner, self._identity = inner, identity
        self._stages: set[str] = set()
        self._is_prepared = False
        super().__init__()

    @property
    def trainer(self) -> Any:
        """The Trainer, shared with the user's module."""
        return self._inner.trainer

    @trainer.setter
    def trainer(self, value: Any) -> None:
        self._inner.trainer = value

    @property
    def in_channels(self) -> int:
        """Number of channels of an image."""
        return int(self._inner.in_channels)

    @property
    def image_size(self) -> int:
        """Height and width of an image, in pixels."""
        return int(self._inner.image_size)

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, ``"0"``, ``"1"``, … unless the user's module has names."""
        names = getattr(self._inner, "class_names", None)
        count = self._inner.num_classes
        return tuple(map(str, range(count))) if names is None else tuple(names)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of the class, its arguments, and its ``content_hash`` if it has one.

        Raises:
            DataError: ``content_hash`` is not a string.
        """
        with self._errors_in("content_hash"):
            own = getattr(self._inner, "content_hash", None)
        if own is not None and not isinstance(own, str):
            raise DataError(f"dataset must have a text as its content_hash, got {own!r}")
        return hashlib.sha256(json.dumps([self._identity, own]).encode()).hexdigest()

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on the differences to a data set of ablab's own."""
        notes = [
            "The data set is a LightningDataModule of the user's own, whose batches are used "
            "unchanged; its images and split are the same for all seeds."
        ]
        if getattr(self._inner, "content_hash", None) is None:
            notes.append(
                "The content of its data is not in the trial's key, only its source and "
                "arguments: after a change of the data, train with --fresh."
            )
        if not self.has_fixed_test_order:
            notes.append(
                "Its test images have no fixed order: predictions are not recorded per image, and "
                "variants are not compared image by image."
            )
        return tuple(notes)

    @cached_property
    def has_fixed_test_order(self) -> bool:  # type: ignore[override]
        """Whether each test has the same images in the same order."""
        return self._batches("test").has_fixed_order()

    @cached_property
    def smallest_batch(self) -> int:
        """Number of images of the smallest training batch (see `PlainBatches.smallest_batch`)."""
        return self._batches("train").smallest_batch()

    def check(self) -> None:
        """Check the first batch of each loader.

        Raises:
            DataError: a batch is invalid, or the user's code raises.
        """
        check_class_names(self.class_names, "dataset.class_names")
        for part in PARTS:
            with self._errors_in(f"{part}_dataloader"):
                next(iter(self._batches(part)))
        _ = self._counts, self.has_fixed_test_order, self.smallest_batch

    def prepare_data(self) -> None:
        """Call the user's ``prepare_data``, once."""
        if not self._is_prepared:
            with self._errors_in("prepare_data"), OwnGenerators(0, "prepare_data"):
                self._inner.prepare_data()
        self._is_prepared = True

    def setup(self, stage: str | None = None) -> None:
        """Call the user's ``setup``, once per stage."""
        if str(stage) not in self._stages:
            with self._errors_in("setup"), OwnGenerators(0, "setup"):
                self._inner.setup(stage)
        self._stages.add(str(stage))

    def teardown(self, stage: str | None = None) -> None:
        """Call the user's ``teardown``."""
        self._stages.discard(str(stage))
        self._inner.teardown(stage)

    def train_dataloader(self) -> PlainBatches:
        """Return the training batches."""
        return self._batches("train")

    def val_dataloader(self) -> PlainBatches:
        """Return the validation batches."""
        return self._batches("val")

    def test_dataloader(self) -> PlainBatches:
        """Return the test batches."""
        return self._batches("test")

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Call the user's hook."""
        return self._inner.on_before_batch_transfer(batch, dataloader_idx)

    def transfer_batch_to_device(
        self, batch: Any, device: torch.device, dataloader_idx: int
    ) -> Any:
        """Call the user's hook."""
        return self._inner.transfer_batch_to_device(batch, device, dataloader_idx)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Call the user's hook."""
        return self._inner.on_after_batch_transfer(batch, dataloader_idx)

    def state_dict(self) -> dict[str, Any]:
        """Return the user's state for a checkpoint."""
        return dict(self._inner.state_dict())

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the user's state from a checkpoint."""
        self._inner.load_state_dict(state_dict)

    def counts(self) -> dict[str, int]:
        """Return the numbers of classes and of training, validation and test images."""
        return dict(self._counts)

    def epoch_images(self, num_batches: int) -> int:
        """Return the number of images of a training epoch."""
        return self._counts["train_images"]

    def first_images(self) -> Tensor:
        """Return the images of the first training batch."""
        images: Tensor = next(iter(self._batches("train")))[0]
        return images

    def probe_batch(self, num_images: int) -> Batch:
        """Return the first images of the first training epoch, with their labels."""
        images: list[Tensor] = []
        labels: list[Tensor] = []
        for x, y in self._batches("train"):
            images.append(x)
            labels.append(y)
            if sum(map(len, images)) >= num_images:
                break
        device = self.trainer.strategy.root_device if self.trainer else torch.device("cpu")
        x, y = torch.cat(images)[:num_images], torch.cat(labels)[:num_images]
        return x.to(device), y.to(device)

    def each_once(self) -> Iterator[Batch]:
        """Return the training batches of the first epoch.

        Raises:
            DataError: the targets are not class indices.
        """
        for x, y in self._batches("train"):
            if y.ndim != 1:
                raise DataError(f"dataset must give class indices (N,) here, got {tuple(y.shape)}")
            yield x, y

    @cached_property
    def _counts(self) -> dict[str, int]:
        sizes = {f"{part}_images": self._batches(part).num_images() for part in PARTS}
        return {"num_classes": self.num_classes, **sizes}

    def _batches(self, part: str) -> PlainBatches:
        self.prepare_data()
        self.setup("test" if part == "test" else "fit")
        name = f"{part}_dataloader"
        with self._errors_in(name), OwnGenerators(0, name):
            loader = getattr(self._inner, name)()
        size: int | None = None
        with suppress(TypeError, NotImplementedError):
            size = len(loader)
        if not size or isinstance(loader, list | tuple | dict):
            of_length = "without a length" if size is None else f"of length {size}"
            raise DataError(
                f"dataset must return from {name} one loader that knows its number of batches, "
                f"len(loader) >= 1, which the learning rate's schedule needs, got "
                f"{type(loader).__name__} {of_length}"
            )
        shape = self.in_channels, self.image_size, self.image_size
        return PlainBatches(loader, part, shape, self.num_classes, self.seed)

    @contextmanager
    def _errors_in(self, name: str) -> Iterator[None]:
        """Raise errors of a user's method as `DataError`, with the method's name and line."""
        try:
            yield
        except InputError:
            raise
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            own = getattr(sys.modules.get(type(self._inner).__module__), "__file__", None)
            last = next((f for f in reversed(frames) if f.filename == own), frames[-1])
            raise DataError(
                f"dataset must work, got {type(error).__name__}: {error} in "
                f"{type(self._inner).__name__}.{name} ({last.filename}, line {last.lineno})"
            ) from error


def _check(inner: Any) -> None:
    kind = type(inner).__name__
    if not all(callable(getattr(inner, name, None)) for name in _METHODS):
        raise InputError(f"dataset must be a LightningDataModule, got {kind}")
    values = {name: getattr(inner, name, None) for name in ATTRIBUTES}
    if missing := [name for name, value in values.items() if value is None]:
        raise InputError(
            f"dataset must have the attributes {', '.join(ATTRIBUTES)} (integers; images are "
            f"image_size x image_size) once it is built, got {kind} without {', '.join(missing)}"
        )
    for name, value in values.items():
        least = 2 if name == "num_classes" else 1
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise InputError(
                f"dataset must have an integer >= {least} as its {name}, got {value!r} in {kind}"
            )
    names = getattr(inner, "class_names", None)
    if names is not None and len(names) != inner.num_classes:
        raise InputError(
            f"dataset must have as many class_names as num_classes, {inner.num_classes}, "
            f"got {len(names)} in {kind}"
        )
