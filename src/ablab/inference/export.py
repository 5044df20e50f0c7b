"""Export of a trained network, checked against the original on the whole test set."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ablab.data.module import InMemoryDataModule
from ablab.data.trial_data import TrialData
from ablab.errors import InputError
from ablab.inference.load import load_model, trial_data
from ablab.inference.program import (
    FORMS,
    Logits,
    export_errors,
    read_program,
    write_program,
)
from ablab.inference.trained_model import TrainedModel
from ablab.tracking.files import temporary_folder, write_atomic
from ablab.tracking.lab import Lab
from ablab.tracking.model_export import (
    check_name,
    log_model,
    read_model,
    register_model,
    save_model,
)
from ablab.tracking.run import Run
from ablab.tracking.store import Store

TOLERANCE = 1e-4  # of logits, relative to the largest logit, at least 1


@dataclass(frozen=True)
class Comparison:
    """Differences of an exported model from the original, over the test images.

    Attributes:
        images: number of images.
        largest: largest absolute difference of a logit; NaN if a logit is.
        scale: largest absolute logit of the original, at least 1.
        changed: number of images that the exported model puts into another class.
    """

    images: int
    largest: float
    scale: float
    changed: int

    @property
    def is_within_tolerance(self) -> bool:
        """Whether the largest difference is at most `TOLERANCE` of the largest logit."""
        return self.largest <= TOLERANCE * self.scale

    def __str__(self) -> str:
        return (
            f"largest difference of the logits {self.largest:.2g} (tolerance "
            f"{TOLERANCE * self.scale:.2g}), {self.changed} of {self.images:,} predictions changed"
        )


def export(run: Run, form: str, path: Path) -> Comparison:
    """Export a finished run's network, and compare it with the original on the whole test set.

    Args:
        run: see `ablab.inference.load.finished_run`.
        form: one of `FORMS`.
        path: file to write; not written unless the comparison is within the tolerance.

    Raises:
        InputError: the file exists, a package is missing, the network cannot be exported, or the
            exported one differs from it.
        DataError: the test images are missing or damaged.
    """
    suffix, write, read = FORMS[form]
    check_target(path)
    with temporary_folder() as folder:
        exported = folder / f"model{suffix}"
        data = trial_data(run)
        # A network in numpy (backend=by_hand) cannot be traced; torch's computes the same.
        write(load_model(run, backend="torch"), exported)
        with export_errors(run.key, f"works as {form}"):
            comparison = compare(load_model(run), read(exported), test_inputs(data))
        _refuse_difference(comparison)
        write_atomic(path, exported.read_bytes())
    return comparison


def export_to_mlflow(run: Run, registered_name: str | None) -> tuple[Comparison, str, int | None]:
    """Log a finished run's network to its MLflow run, compared with the original as in `export`.

    Args:
        run: see `ablab.inference.load.finished_run`.
        registered_name: also register it under this name; None to register nothing.

    Returns:
        The comparison, the id of the logged model, and its version in the registry if it has one.

    Raises:
        InputError: a name is invalid, the network cannot be exported, or the exported one differs.
        DataError: the test images are missing or damaged.
        StoreError: the store does not answer.
    """
    if registered_name is not None:
        check_name(registered_name)
    store = Store.open(Lab(run.folder.parents[2]))
    with temporary_folder() as folder:
        program, saved, data = folder / "network.pt2", folder / "model", trial_data(run)
        model = load_model(run)
        write_program(load_model(run, backend="torch"), program)
        comparison = compare(model, read_program(program), test_inputs(data))
        _refuse_difference(comparison)
        example = next(iter(test_inputs(data)))[:1].numpy()
        metadata = {"key": run.key, "class_names": list(model.class_names)}
        save_model(saved, program, example, metadata)
        _check_served(model, saved, data)
        model_id = log_model(store, run, saved)
    version = None if registered_name is None else register_model(store, registered_name, model_id)
    return comparison, model_id, version


def _check_served(model: TrainedModel, saved: Path, data: TrialData) -> None:
    """Check that MLflow's model returns the classes and probabilities of the original.

    Raises:
        InputError: it does not.
    """
    predict = read_model(saved)
    for images in test_inputs(data):
        wanted = model.probabilities(images)
        table = predict(images.numpy())
        got = torch.tensor(table["probabilities"].tolist())
        largest = float((got - wanted).abs().max())
        changed = sum(a != b for a, b in zip(table["class"], model.classify(images), strict=True))
        if not largest <= TOLERANCE:
            raise InputError(
                f"MLflow's model must equal the original, got probabilities that differ by "
                f"{largest:.2g} and {changed} other classes"
            )


def _refuse_difference(comparison: Comparison) -> None:
    if not comparison.is_within_tolerance:
        raise InputError(f"exported model must equal the original, got {comparison}")


def check_target(path: Path) -> None:
    """Refuse a file that exists, or whose folder does not.

    Raises:
        InputError: it is refused.
    """
    if os.path.lexists(path):
        raise InputError(f"FILE must be a new file, got {path}, which exists: remove it first")
    if not path.parent.is_dir():
        raise InputError(f"FILE must lie in a folder that exists, got {path}")


def test_inputs(data: TrialData) -> Iterator[Tensor]:
    """Yield the test images in batches as an exported model takes them."""
    if isinstance(data, InMemoryDataModule):
        yield from data.test_pixels()
        return
    for x, _ in data.test_dataloader():
        yield x.float()


def compare(original: Logits, exported: Logits, batches: Iterable[Tensor]) -> Comparison:
    """Return the differences over all images; the first one is passed alone as well.

    A model that was traced with several images could fail on one.
    """
    images = changed = 0
    largest, scale = torch.zeros(()), torch.ones(())
    with torch.no_grad():
        for batch in batches:
            parts = [batch] if images else [batch[:1], batch]
            for part in parts:
                wanted, got = original(part), exported(part)
                largest = torch.maximum(largest, (got - wanted).abs().max())  # NaN stays NaN
                scale = torch.maximum(scale, wanted.abs().max())
            images += len(batch)
            changed += int((wanted.argmax(1) != got.argmax(1)).sum())
    return Comparison(images, float(largest), float(scale), changed)
