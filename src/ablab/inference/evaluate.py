"""A finished trial tested again: on its own test images, or on other data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from omegaconf import OmegaConf

from ablab.config.compose import compose
from ablab.config.composition import Composition
from ablab.config.overrides import parse
from ablab.config.preflight import device_faults
from ablab.config.validate import validate
from ablab.data.module import InMemoryDataModule
from ablab.data.trial_data import TrialData
from ablab.errors import InputError
from ablab.faults import ConfigError
from ablab.inference.load import input_format, load_classifier, trial_data
from ablab.lightning import pl
from ablab.model import build
from ablab.model.preprocessing import InputFormat
from ablab.tracking.run import Run
from ablab.training.prepare import prepare
from ablab.training.settings import Devices, ProcessSettings
from ablab.training.testing import run_tests
from ablab.training.trainer import trainer

_TESTS = "data.test_"  # options of `data` that change no training image


@dataclass(frozen=True)
class TestResult:
    """Metrics of a test, and the recorded ones where it repeats the trial's own test.

    Attributes:
        metrics: ``test/accuracy``, …
        recorded: the same metrics in the completion record; empty for other data.
        images: number of test images.
        notes: sentences on the data.
    """

    metrics: Mapping[str, float]
    recorded: Mapping[str, float]
    images: int
    notes: tuple[str, ...] = ()

    @property
    def differences(self) -> dict[str, float]:
        """The metrics that differ from the recorded ones, each with the new minus the old value."""
        pairs = {n: (self.metrics.get(n, float("nan")), old) for n, old in self.recorded.items()}
        return {name: new - old for name, (new, old) in pairs.items() if new != old}


def evaluate(run: Run, overrides: Sequence[str] = ()) -> TestResult:
    """Test a finished run's network with its best weights, as the trial was tested.

    Sets threads and determinism of this process, as training does.

    Args:
        run: see `ablab.inference.load.finished_run`.
        overrides: other data: ``dataset=NAME``, ``dataset.KEY=VALUE``, ``data.test_KEY=VALUE``.

    Raises:
        ConfigError: an override is not one of these, or invalid.
        InputError: the data do not fit the network.
        DataError: the data are missing or damaged.
    """
    form, config = input_format(run), run.trial["config"]
    if overrides:
        config = _with_data(config, overrides)
        validate({**config, "init_from": None})
        data = build.datamodule(config)
        notes = _fit(form, data)
    else:
        data, notes = trial_data(run), ()
    threads = {"threads": config["launcher"]["threads"]}  # not where another machine has GPUs
    config = {**config, "devices": _devices(config["devices"]), "launcher": threads}
    if faults := device_faults(config):
        raise ConfigError(faults)
    prepare(ProcessSettings.of(config))
    module = load_classifier(run, form)
    with TemporaryDirectory(prefix="ablab-") as folder:
        metrics, _ = run_tests(module, data, lambda: _trainer(config, Path(folder)))
    recorded = {} if overrides else _recorded(run, metrics)
    return TestResult(metrics, recorded, data.counts()["test_images"], (*notes, *data.notes))


def _with_data(config: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return a trial's configuration with other data.

    Raises:
        ConfigError: an override changes anything else, or is invalid.
    """
    parsed, faults = parse(overrides)
    faults += [
        f"{o.key_or_group} must be left as the trial was trained: dataset, dataset.KEY and "
        f"{_TESTS}KEY alone can be set, got {o.input_line}"
        for o in parsed
        if not _is_about_data(o.key_or_group)
    ]
    if faults:
        raise ConfigError(faults)
    groups = {"dataset": config["dataset"], "data": config["data"]}
    if chosen := [str(o.input_line) for o in parsed if o.key_or_group == "dataset"]:
        groups["dataset"] = compose(chosen).resolved()["dataset"]
        groups["data"] = {**groups["data"], "test_images": None}  # a number for the old set
    values = {o.key_or_group: o.value() for o in parsed if o.key_or_group != "dataset"}
    changed = Composition(OmegaConf.create(groups), {}).with_values(values).resolved()
    return {**config, **changed}


def _is_about_data(key: str) -> bool:
    return key == "dataset" or key.startswith(("dataset.", _TESTS))


def _fit(form: InputFormat, data: TrialData) -> tuple[str, ...]:
    """Check that data fit a trained network, and normalize them as its training images.

    Returns:
        A sentence on class names that differ.

    Raises:
        InputError: they do not fit.
    """
    is_own = isinstance(data, InMemoryDataModule)
    if is_own is (form.mean is None):
        kinds = "a LightningDataModule of your own", "one that ablab reads itself"
        raise InputError(
            f"dataset must be {kinds[form.mean is not None]}, as the trial's, whose batches are "
            f"prepared alike, got {kinds[is_own]}"
        )
    for what, wanted, got, key in (
        ("number of classes", form.num_classes, data.num_classes, ""),
        ("number of channels", form.in_channels, data.in_channels, "in_channels"),
        ("image size", form.image_size, data.image_size, "image_size"),
    ):
        if wanted != got:
            hint = f" (of dataset=folder: dataset.{key}={wanted})" if key else ""
            raise InputError(f"dataset must have the trial's {what}, {wanted}, got {got}{hint}")
    if isinstance(data, InMemoryDataModule) and form.mean is not None and form.std is not None:
        data.trained_normalization = form.mean, form.std
    return _compare_names(form.class_names, data.class_names)


def _compare_names(trained: Sequence[str], tested: Sequence[str]) -> tuple[str, ...]:
    if tuple(trained) == tuple(tested):
        return ()
    if sorted(trained) == sorted(tested):
        raise InputError(
            f"dataset must have its classes in the trial's order, {', '.join(trained)}, got "
            f"{', '.join(tested)}"
        )
    pairs = [f"{a} as {b}" for a, b in zip(trained, tested, strict=True) if a != b]
    more = f" and {len(pairs) - 3} more" if len(pairs) > 3 else ""
    return (
        f"The classes have other names than the trial's: {', '.join(pairs[:3])}{more} count as the "
        "same.",
    )


def _devices(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Return one process on the recorded kind of device, or on what there is."""
    accelerator = str(recorded["accelerator"])
    kind = accelerator if accelerator == "cpu" else "auto"
    return {**recorded, **Devices(kind).as_dict()}


def _trainer(config: Mapping[str, Any], folder: Path) -> pl.Trainer:
    devices = Devices(config["devices"]["accelerator"])
    return trainer(config["trainer"], devices, folder, pl.loggers.logger.DummyLogger(), [])


def _recorded(run: Run, metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the recorded metrics of the best weights' test."""
    completion = run.completion
    assert completion is not None
    return {name: completion.metrics[name] for name in metrics if name in completion.metrics}
