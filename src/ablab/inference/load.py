"""Loading of a finished trial's network with its best weights.

A record may come from elsewhere: its configuration passes the same checks as one of the command
line, and no module of the user's is imported that is not allowed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file

from ablab.config.groups import AXES
from ablab.config.sources import source_hashes
from ablab.config.validate import validate
from ablab.data.errors import DataError
from ablab.errors import InputError
from ablab.faults import format_error
from ablab.inference.trained_model import TrainedModel
from ablab.model import build
from ablab.model.classifier import PLAIN, Classifier
from ablab.model.plain_state import set_plain
from ablab.model.preprocessing import InputFormat, preprocessing
from ablab.model.targets import is_allowed
from ablab.tracking.completion import checked_completion
from ablab.tracking.lab import Lab
from ablab.tracking.records import BEST, PLAIN_ATTRIBUTES
from ablab.tracking.run import CHECKPOINT, Run

# Neither changes a network whose weights are replaced; both need more than the run.
_WITHOUT_INITIALIZATION: Mapping[str, Any] = {
    "init_from": None,
    "freeze": None,
    "initializer": {"_target_": "ablab.components.initializer.default.default"},
}


def load_model(run: Run, *, backend: str | None = None) -> TrainedModel:
    """Return a finished run's network with its best weights and its preprocessing, on the CPU.

    Args:
        run: see `finished_run`.
        backend: in place of the configuration's; both compute the same function.

    Raises:
        InputError: its code is not allowed, or has changed since the training.
        DataError: an older run has no format of its input, and its data are missing or changed.
    """
    form = input_format(run)
    module = load_classifier(run, form, backend=backend)
    network, config = module.network, run.trial["config"]
    dtype = next((p.dtype for p in network.parameters()), torch.float32)
    return TrainedModel(network, form, preprocessing(form, config, dtype), run.key)


def finished_run(lab: Lab, key: str) -> Run:
    """Return the newest finished run of a trial, its weights included as recorded.

    Raises:
        InputError: it is not finished, it diverged, or a record is damaged.
    """
    run = lab.finished(key)
    if run is None:
        runs = lab.runs(key)
        state = runs[-1].status() if runs else "without a run"
        raise InputError(f"trial must be finished, got {key}, which is {state}")
    completion = checked_completion(run.folder, thorough=True)
    if completion is None or completion.outcome != "finished" or BEST not in completion.artifacts:
        raise InputError(f"trial must be finished, got {key}, which diverged")
    return run


def load_classifier(run: Run, form: build.ImageShape, *, backend: str | None = None) -> Classifier:
    """Return the LightningModule of a finished run with its best weights, in evaluation mode.

    Raises:
        InputError: its code is not allowed, has changed, or does not fit the weights.
    """
    trial = run.trial
    config = {**trial["config"], **_WITHOUT_INITIALIZATION}
    if backend is not None:
        config["backend"] = backend
    check_code(config, trial["sources"])
    module = build.classifier(config, form)
    weights = load_file(run.folder / BEST)
    # A trial in double precision has weights in it.
    module.to(next((v.dtype for v in weights.values() if v.is_floating_point()), torch.float32))
    try:
        module.network.load_state_dict(weights)
    except RuntimeError as error:
        raise InputError(
            f"weights must fit the network of this version of ablab, got {run.folder / BEST}: "
            f"{' '.join(format_error(error).split())}"
        ) from error
    if trial["sources"]:
        _restore_plain_attributes(module, run.folder)
    return module.eval()


def check_code(config: Mapping[str, Any], sources: Mapping[str, str]) -> None:
    """Check that a configuration is valid, and its code allowed and unchanged.

    Args:
        config: of a record.
        sources: SHA-256 of the user's source files when the trial was trained.

    Raises:
        InputError: it is not.
    """
    targets = {axis: node["_target_"] for axis in AXES if isinstance(node := config[axis], Mapping)}
    own = {str(t) for axis, t in targets.items() if not is_allowed(axis, str(t))}
    if own:
        modules = sorted({name.rpartition(".")[0] for name in own})
        options = " ".join(f"--allow {module}" for module in modules)
        raise InputError(
            f"trial must use code that is allowed, got {', '.join(sorted(own))}; if you trust it, "
            f"add {options} (in Python: allow={modules})"
        )
    validate(config)
    now = source_hashes(config)
    before = {name: digest for name, digest in sources.items() if name != "init_from"}
    if changed := sorted(n for n in before.keys() | now.keys() if before.get(n) != now.get(n)):
        raise InputError(
            f"{', '.join(changed)} must be as it was when the trial was trained, got other source"
        )


def input_format(run: Run) -> InputFormat:
    """Return the format of a run's input: stored with its weights, else that of its data.

    Raises:
        DataError: an older run has none, and its data are missing or changed.
        InputError: the record is not one of ablab's.
    """
    path = run.folder / BEST
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    try:
        form = InputFormat.from_metadata(metadata)
    except (ValueError, TypeError) as error:
        raise InputError(f"{path} must hold the format of its input, got {error}") from error
    return InputFormat.of(trial_data(run)) if form is None else form


def trial_data(run: Run) -> Any:
    """Return the data that a run was trained on.

    Raises:
        DataError: they are missing, damaged or changed.
        InputError: their code is not allowed, or has changed.
    """
    trial = run.trial
    check_code({**trial["config"], **_WITHOUT_INITIALIZATION}, trial["sources"])
    data = build.datamodule(trial["config"])
    if (now := data.content_hash) != trial["data_hash"]:
        raise DataError(
            f"the data must be as they were when {run.key} was trained, SHA-256 "
            f"{trial['data_hash'][:12]}…, got {now[:12]}…"
        )
    return data


def _restore_plain_attributes(module: Classifier, folder: Path) -> None:
    """Set what a user's network counted in training, which its tests saw too.

    Runs of ablab 0.1 have it in their checkpoint, if that is still there.

    Raises:
        InputError: the file is damaged.
    """
    for path in (folder / PLAIN_ATTRIBUTES, folder / CHECKPOINT):
        if path.is_file():
            try:
                content = torch.load(path, map_location="cpu", weights_only=True)
                set_plain(module.network, content.get(PLAIN, {}))
            except Exception as error:  # a damaged file can raise nearly any exception
                raise InputError(
                    f"{path} must be readable, got {type(error).__name__}; remove it to load the "
                    "weights without what the network counted in training"
                ) from error
            return
