"""Probes of whole trials: no effect on training, bit-equal after a kill, measured on request."""

import csv
import io
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import train_process
from rich.console import Console
from safetensors.torch import load_file
from train_process import results, train_in_subprocess

from ablab.config.compose import compose
from ablab.config.probe_switches import SWITCHES, has_measured, switched_on
from ablab.config.trial import resolve
from ablab.faults import ConfigError
from ablab.model import build
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.training.opening import open_run
from ablab.training.single import train

ALL = tuple(f"probes.{name}=true" for name in SWITCHES)
SHORT = ("trainer.max_epochs=2", "batch_size=256", "devices=cpu")
CNN = ("architecture=lenet5", "normalization=batch", "dropout=spatial")
GRU = ("architecture=gru", "optimizer=schedule_free", "data.train_images=512")


def rows(run: Run) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((run.folder / "probes.csv").read_text())))


def without_probes(run: Run) -> dict[str, Any]:
    found = results(run)
    for metrics in (found["metrics"], *(metrics for _, metrics in found["epochs"])):
        for name in [name for name in metrics if name.startswith("probe/")]:
            del metrics[name]
    return found


def test_every_switch_is_in_both_yamls_and_not_in_the_key() -> None:
    off, on = (compose(["probes=none"]).resolved(), compose(["probes=default"]).resolved())
    assert {*off["probes"]} == {*on["probes"]} == {"num_images", *SWITCHES}
    assert not switched_on(off["probes"])
    assert resolve(compose(ALL)).key == resolve(compose([])).key


@pytest.mark.parametrize("override", ["probes.activations=2", "probes.num_images=1"])
def test_invalid_values_are_refused(override: str) -> None:
    with pytest.raises(ConfigError, match=override.split("=", maxsplit=1)[0]):
        resolve(compose([override]))


@pytest.mark.parametrize(
    "overrides", [(*train_process.SMALL, *SHORT), (*CNN, *SHORT), (*GRU, *SHORT)]
)
def test_a_trial_is_bit_equal_with_and_without_probes(lab: Lab, overrides: tuple[str, ...]) -> None:
    plain, probed = (
        lab.new_run(resolve(compose([*overrides, *probes])).as_dict()) for probes in ((), ALL)
    )
    assert plain.key == probed.key
    assert train_in_subprocess(plain) == train_in_subprocess(probed) == 0
    assert without_probes(probed) == without_probes(plain) == results(plain)
    assert not (plain.folder / "probes.csv").exists()
    completion = probed.completion
    assert completion is not None
    assert "probes.csv" in completion.artifacts
    names = {name for name in completion.metrics if name.startswith("probe/")}
    expected = {"weight_norm", "update_ratio", "gradient_norm", "gradient_change", "input_drift"}
    assert {f"probe/{name}" for name in expected | {"generalization_gap_loss"}} <= names
    last = [metrics for epoch, metrics in results(probed)["epochs"]][-1]
    weights = [float(r["value"]) for r in rows(probed) if r["probe"] == "weight_norm"]
    epochs = len(results(probed)["epochs"])
    share = len(weights) // epochs
    assert last["probe/weight_norm"] == pytest.approx(sum(weights[-share:]) / share)
    gap = last["train/accuracy"] - last["val/accuracy"]
    assert last["probe/generalization_gap_accuracy"] == pytest.approx(gap, abs=1e-6)


@pytest.mark.parametrize(
    "disturbance",
    [
        train_process.killed_during_an_epoch,
        train_process.killed_between_best_weights_and_checkpoint,
    ],
)
def test_a_resumed_trial_measures_bit_equally(
    begin: Callable[..., Run], disturbance: Callable[[], None]
) -> None:
    undisturbed, killed = begin(*ALL), begin(*ALL)
    assert train_in_subprocess(undisturbed) == 0
    assert train_in_subprocess(killed, disturbance) == -signal.SIGKILL
    with (killed.folder / "probes.csv").open("a") as stream:
        stream.write("1")  # an incomplete line
    assert train_in_subprocess(killed) == 0
    assert results(killed) == results(undisturbed)
    tables = [(run.folder / "probes.csv").read_bytes() for run in (undisturbed, killed)]
    assert tables[0] == tables[1]


def test_update_ratio_is_that_of_the_last_step(begin: Callable[..., Run]) -> None:
    run = begin(
        "batch_size=full",
        "trainer.max_epochs=1",
        "probes.update_ratio=true",
        "normalization=none",
    )
    config = run.trial["config"]
    first = build.classifier(config, build.datamodule(config)).network.state_dict()
    assert train_in_subprocess(run) == 0
    last = load_file(run.folder / "best.safetensors")
    for row in rows(run):
        names = [name for name in first if name.startswith(row["layer"])]
        change, before = (
            torch.cat([values.flatten() for values in state]).norm()
            for state in ([last[n] - first[n] for n in names], [first[n] for n in names])
        )
        assert float(row["value"]) == pytest.approx(float(change / before), rel=1e-4)


def test_the_initial_gradient_is_that_of_the_network_before_training(
    begin: Callable[..., Run],
) -> None:
    run = begin("trainer.max_epochs=2", "probes.gradient_norm=true", "dropout=none")
    config = run.trial["config"]
    data = build.datamodule(config)
    first = build.classifier(config, data)
    x, y = data.probe_batch(config["probes"]["num_images"])
    first.loss(first.network(x), y).backward()
    assert train_in_subprocess(run) == 0
    layers = {row["layer"] for row in rows(run)}
    norms = [
        torch.cat([p.grad.flatten() for p in first.network.get_submodule(name).parameters()]).norm()
        for name in layers
    ]
    expected = float(torch.stack(norms).mean())
    for _, metrics in results(run)["epochs"]:
        assert metrics["probe/gradient_norm_initial"] == pytest.approx(expected, rel=1e-4)
        assert metrics["probe/gradient_norm"] != metrics["probe/gradient_norm_initial"]


def test_a_run_without_a_requested_probe_does_not_count() -> None:
    on, off = ({"num_images": 8, "activations": a, "weight_norm": False} for a in (True, False))
    assert has_measured({"config": {}}, off)
    assert has_measured({"config": {"probes": on}}, off)
    assert has_measured({"config": {"probes": on}}, on)
    assert not has_measured({"config": {"probes": off}}, on)
    assert not has_measured({"config": {}}, on)
    assert not has_measured({"config": {"probes": {**on, "num_images": 9}}}, on)


def test_a_probe_requested_later_creates_a_new_run_and_keeps_the_old(lab: Lab) -> None:
    def trained(*overrides: str) -> str:
        overrides_ = [*train_process.SMALL, "trainer.max_epochs=1", *overrides]
        code, run = train(overrides_, offline=True, console=Console(file=io.StringIO()))
        assert code == 0
        return run.number

    assert [
        trained(),
        trained("probes.weight_norm=true"),
        trained("probes.weight_norm=true"),
        trained(),
    ] == [
        "001",
        "002",
        "002",
        "002",
    ]
    (key,) = lab.keys()
    assert all(run.completion is not None for run in lab.runs(key))


def test_a_sweep_continues_only_a_run_with_the_requested_probes(
    begin: Callable[..., Run], lab: Lab
) -> None:
    run = begin()
    requested = json.loads(json.dumps(run.trial))
    assert open_run(lab, requested) == run
    requested["config"]["probes"]["activations"] = True
    with run.lock().acquire(timeout=0):
        assert open_run(lab, requested) == run  # another process trains it: wait for it
    assert open_run(lab, requested).number == "002"
    assert Path(lab.root / "trials" / run.key / "001").is_dir()
