"""Writes a lab of any size with the records that sweeps leave, without training."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ablab.config.compose import compose
from ablab.tracking.completion import Completion, describe, write_completion
from ablab.tracking.journal import Entry
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell, Part, Plan, write_part
from ablab.tracking.spec import read_spec
from ablab.training.environment import describe_environment

EPOCHS, IMAGES, START = 20, 10_000, 1_790_000_000.0
WEIGHTS = 247_648  # bytes of LeNet-5's best.safetensors


def write_lab(root: Path, name: str, variants: int, seeds: int, blocks: int) -> Lab:
    """Write the plan of one sweep and its finished trials, with the file sizes of LeNet-5.

    Weights are sparse files of the right size; everything else is what a trial would write.
    """
    os.fsync = lambda _: None  # type: ignore[assignment] # durability does not matter here
    lab, config = Lab.open(root), compose([]).resolved()
    ids = list(_cell_ids(variants, seeds, blocks))
    cells = tuple(Cell(*cell_id, key=f"{i:016x}") for i, cell_id in enumerate(ids))
    trials = {
        cell.key: {
            "config": config | {"seed": cell.seed},
            "choices": {"dataset": "mnist", "activation": cell.variant},
            "data_hash": "d" * 64,
            "sources": {},
        }
        for cell in cells
    }
    names = list(dict.fromkeys(cell.variant for cell in cells))
    spec = {
        "question": "How long does a report of this size take?",
        "kind": "versus_baseline",
        "metric": "test/accuracy",
        "goal": "max",
        "baseline": names[0],
        "seeds": list(range(seeds)),
        "variants": {name: {"activation": name} for name in names},
        "blocks": {} if blocks == 1 else {b: {"dataset": b} for _, _, b in ids},
    }
    part = Part("comparison", START, f"ablab sweep {name}", read_spec(spec), cells, trials)
    write_part(lab.sweep_folder(name), part)
    _finish(lab, cells, trials, names)
    return lab


def finish_plan(lab: Lab, plan: Plan) -> None:
    """Write a finished run of every trial of a plan, as `write_lab` does."""
    os.fsync = lambda _: None  # type: ignore[assignment] # durability does not matter here
    _finish(lab, plan.cells, plan.trials, list(plan.spec.variants))


def _finish(
    lab: Lab, cells: Sequence[Cell], trials: Mapping[str, Mapping[str, Any]], variants: list[str]
) -> None:
    """Write a finished run of each cell; later variants are better."""
    generator, environment = np.random.default_rng(1), describe_environment()
    places = {name: place for place, name in enumerate(variants)}
    for cell in cells:
        expected = 0.97 + 0.02 * places[cell.variant] / len(places) + generator.normal(0, 0.001)
        trial = {"key": cell.key, **trials[cell.key]}
        _run(lab, trial, min(expected, 1.0), environment, generator)


def _cell_ids(variants: int, seeds: int, blocks: int) -> Iterator[tuple[str, int, str]]:
    for block in range(blocks):
        for variant in range(variants):
            for seed in range(seeds):
                yield f"v{variant}", seed, f"block {block}"


def _run(
    lab: Lab, trial: dict[str, Any], expected: float, environ: dict[str, Any], rng: Any
) -> None:
    run = lab.new_run(trial)
    correct = rng.random(IMAGES) < expected
    accuracy = float(correct.mean())
    np.save(run.folder / "test_correct.npy", np.packbits(correct))
    (run.folder / "environment.json").write_text(json.dumps(environ, indent=1))
    lines = [Entry("attempt", START, note=environ).encode()]
    lines += [_epoch(i, accuracy).encode() for i in range(EPOCHS)]
    run.journal.write_text("".join(lines))
    files = {"best.safetensors": WEIGHTS, "config.yaml": 1554, "per_class.csv": 369}
    for name, size in files.items():
        with (run.folder / name).open("wb") as stream:
            stream.truncate(size)
    present = [f.name for f in run.folder.iterdir() if f.name != "lock"]
    artifacts = describe(run.folder, present)
    metrics = {"test/accuracy": accuracy, "test/accuracy_last": accuracy - 0.001}
    metrics |= {"val/accuracy": accuracy, "best/epoch": EPOCHS - 1.0, "test/loss": 0.05}
    record = Completion(
        run.key, run.number, "finished", START + 99, metrics, _MEASURED, _METADATA, artifacts
    )
    write_completion(run.folder, record)


def _epoch(number: int, accuracy: float) -> Entry:
    current = accuracy - 0.6 * float(np.exp(-0.5 * (number + 1)))
    metrics = {"lr": 0.001, "train/accuracy": current, "train/loss": 1 - current}
    metrics |= {"val/accuracy": current, "val/loss": 1 - current}
    measured = {"time/epoch_seconds": 5.0, "time/validation_seconds": 0.4}
    measured |= {"memory/peak_bytes": 572469248.0, "throughput/images_per_second": 10956.4}
    return Entry("epoch", START + 5 * number, number, metrics, measured)


_MEASURED = {
    "time/total_seconds": 100.0,
    "time/epoch_seconds": 5.02,
    "throughput/images_per_second": 10_956.0,
    "memory/peak_bytes": 812e6,
}
_METADATA = {
    "parameters": 61_706,
    "flops": 833_040,
    "num_classes": 10,
    "train_images": 55_000,
    "val_images": 5_000,
    "test_images": IMAGES,
}
