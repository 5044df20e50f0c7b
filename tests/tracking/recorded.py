"""Runs as a trial records them, for the tests of this folder."""

from typing import Any

import numpy as np

from ablab.tracking.completion import Completion, describe, write_completion
from ablab.tracking.files import write_json
from ablab.tracking.journal import Entry, Journal
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run

BEGUN = 1_700_000_000.25
FILES = ("config.yaml", "log.txt", "per_class.csv", "confusion_matrix.csv", "test_correct.npy")


def trial(key: str = "a1b2", **config: Any) -> dict[str, Any]:
    own = {
        "seed": 3,
        "optimizer": {"lr": 0.1, "betas": [0.9, 0.99], "fused": None},
        "devices": {"accelerator": "cpu"},
    }
    return {
        "key": key,
        "config": own | config,
        "choices": {"activation": "relu", "devices": "auto"},
        "data_hash": "d" * 64,
        "outside_key": ["devices"],
        "sources": {},
    }


def epoch(number: int, **extra: float) -> Entry:
    metrics = {"train/loss": 1.0 / (number + 1), "val/accuracy": 0.1 * number} | extra
    return Entry("epoch", BEGUN + 1 + number, number, metrics, {"seconds": 0.5 + number})


def begin(lab: Lab, *, epochs: int = 0, key: str = "a1b2", **config: Any) -> Run:
    run = lab.new_run(trial(key, **config))
    write_json(run.folder / "environment.json", {"host": "h", "commit": "c0", "dirty": False})
    (run.folder / "config.yaml").write_text("seed: 3\n")
    (run.folder / "log.txt").write_text("begun\n")
    journal = Journal(run.journal)
    journal.append(Entry("attempt", BEGUN))
    for number in range(epochs):
        journal.append(epoch(number))
    return run


def finish(run: Run, outcome: str = "finished", weights: bytes = b"wghts") -> None:
    folder = run.folder
    (folder / "per_class.csv").write_text("class,recall\na,1.0\nb,0.5\n")
    (folder / "confusion_matrix.csv").write_text(",a,b\na,2,0\nb,1,1\n")
    np.save(folder / "test_correct.npy", np.packbits([True, False, True, True]))
    (folder / "last.ckpt").write_bytes(b"checkpoint")
    (folder / "last.safetensors").write_bytes(weights)
    Journal(run.journal).append(Entry("test", BEGUN + 50, metrics={"test/accuracy": 0.75}))
    write_completion(
        folder,
        Completion(
            key=run.key,
            run=run.number,
            outcome=outcome,
            time=BEGUN + 60,
            metrics={"test/accuracy": 0.75, "val/accuracy": 0.2},
            measured={"seconds_per_epoch": 1.5},
            metadata={"num_classes": 2, "test_images": 4},
            artifacts=describe(folder, (*FILES, "journal.jsonl", "last.ckpt", "last.safetensors")),
        ),
    )
