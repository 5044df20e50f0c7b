"""``init_from``: weights of a finished trial, the layers that match, and the key."""

import io
from collections.abc import Callable

import pytest
import torch
import train_process
from rich.console import Console
from safetensors.torch import load_file, save_file
from torch import nn
from train_process import train_in_subprocess

from ablab.config.compose import compose
from ablab.config.trial import Trial, resolve
from ablab.faults import ConfigError
from ablab.model import build
from ablab.tracking.completion import describe, write_completion
from ablab.tracking.lab import Lab
from ablab.tracking.records import BEST
from ablab.tracking.run import Run
from ablab.training.single import train

ONE = "trainer.max_epochs=1"


@pytest.fixture
def source(begin: Callable[..., Run]) -> Run:
    run = begin(ONE)
    assert train_in_subprocess(run) == 0
    return run


def resolved(*overrides: str) -> Trial:
    return resolve(compose([*train_process.SMALL, ONE, *overrides]))


def network(trial: Trial) -> nn.Module:
    return build.classifier(trial.config, build.datamodule(trial.config)).network


def faults(*overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        resolved(*overrides)
    return str(caught.value)


def test_it_starts_from_the_best_weights_and_statistics(source: Run) -> None:
    trial = resolved(f"init_from={source.key}", "seed=1")
    best = load_file(source.folder / BEST)
    own = network(trial).state_dict()
    assert own.keys() == best.keys()
    assert any("running_mean" in name for name in own)
    assert all(torch.equal(own[name], best[name]) for name in best)


def test_a_layer_of_another_shape_keeps_its_initial_weights_and_biases(source: Run) -> None:
    other = ("architecture.widths=[16,16]", "seed=1")
    trial, plain = resolved(f"init_from={source.key}", *other), resolved(*other)
    best = load_file(source.folder / BEST)
    own, initial = network(trial).state_dict(), network(plain).state_dict()
    kept = [name for name in own if torch.equal(own[name], initial[name])]
    taken = [name for name in own if name in best and own[name].shape == best[name].shape]
    head = max(own, key=lambda name: int(name.split(".")[1]) if name[-4:] == "bias" else -1)
    assert head in kept
    assert head.replace("bias", "weight") in kept
    first = next(iter(own))
    assert first in taken
    assert torch.equal(own[first], best[first])


def test_layers_that_are_not_copied_are_reported(source: Run, begin: Callable[..., Run]) -> None:
    text = io.StringIO()
    other = [ONE, f"init_from={source.key}", "architecture.widths=[16,16]"]
    console = Console(file=text, width=300)
    assert train([*train_process.SMALL, *other], offline=True, console=console)[0] == 0
    note = f"The initial weights are those of trial {source.key}, except layers."
    assert note in text.getvalue()
    run = begin(*other)
    assert train_in_subprocess(run) == 0
    assert note in (run.folder / "log.txt").read_text()


def test_the_key_changes_with_the_weights(source: Run, lab: Lab) -> None:
    trial = resolved(f"init_from={source.key}")
    assert trial.key not in (source.key, resolved("seed=1").key)
    assert trial.sources["init_from"] == source.completion.artifacts[BEST]["sha256"]
    other = lab.new_run(source.trial)
    weights = load_file(source.folder / BEST)
    save_file({name: 2 * value for name, value in weights.items()}, other.folder / BEST)
    completion, artifacts = source.completion, describe(other.folder, [BEST])
    write_completion(
        other.folder,
        type(completion)(**{**vars(completion), "run": other.number, "artifacts": artifacts}),
    )
    assert resolved(f"init_from={source.key}").key != trial.key


def test_null_is_not_part_of_the_key() -> None:
    trial = resolved()
    assert resolved("init_from=null", "freeze=null").key == trial.key
    assert "init_from" not in trial.sources


@pytest.mark.parametrize("key", ["nonsense", "0123456789abcdef"])
def test_an_unknown_key_is_refused_before_training(key: str) -> None:
    assert "init_from must be" in faults(f"init_from={key}")


def test_an_unfinished_trial_is_refused(begin: Callable[..., Run]) -> None:
    run = begin(ONE)
    message = faults(f"init_from={run.key}")
    assert f"{run.key}, which is new: finish it first" in message


def test_a_diverged_trial_is_refused(begin: Callable[..., Run]) -> None:
    run = begin("optimizer=sgd", "optimizer.lr=1e30", "normalization=none", "scheduler=constant")
    assert train_in_subprocess(run) == 0
    assert "which is diverged" in faults(f"init_from={run.key}")


def test_a_network_without_shared_layers_is_refused(source: Run) -> None:
    with pytest.raises(ConfigError, match="shares a layer"):
        resolve(compose(["architecture=lenet5", f"init_from={source.key}"]))


def test_a_source_that_was_discarded_after_planning_is_refused(source: Run, lab: Lab) -> None:
    run = lab.new_run(resolved(f"init_from={source.key}", "seed=1").as_dict())
    source.discard("a test")
    assert train_in_subprocess(run) == 1
    assert "init_from must be a finished trial" in run.entries()[-1].note["error"]
