"""Writes the lab of a sweep without training anything."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ablab.tracking.completion import Completion, write_completion
from ablab.tracking.files import write_json
from ablab.tracking.journal import Entry, Journal
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell, Part, write_part
from ablab.tracking.run import ENVIRONMENT
from ablab.tracking.sealed import write_sealed
from ablab.tracking.spec import read_spec

START = 1_790_000_000.0
IMAGES = 10_000
METADATA = {
    "num_classes": 10,
    "train_images": 55_000,
    "val_images": 5_000,
    "test_images": IMAGES,
    "parameters": 61_706,
    "flops": 833_040,
}
ENVIRON = {
    "python": "3.11.9",
    "torch": "2.13.0",
    "pytorch_lightning": "2.6.6",
    "mlflow": "3.17.2",
    "hydra": "1.3.8",
    "ablab": "0.1.0",
    "source_hash": "5f1c0a9e",
    "commit": "0123abc",
    "dirty": False,
    "host": "lab-1",
    "cpu": "x86 2 cores",
    "gpu": "",
    "threads": 1,
    "devices": 1,
}
MEASURED = {
    "time/total_seconds": 61.0,
    "time/epoch_seconds": 5.02,
    "throughput/images_per_second": 10_956.0,
    "memory/peak_bytes": 812e6,
}
Outcome = float | str | None


class LabWriter:
    """Writes plans and runs as a sweep would, without training anything."""

    def __init__(self, root: Path) -> None:
        self.lab = Lab.open(root)

    def sweep(
        self,
        outcomes: Mapping[str, Sequence[Outcome]],
        *,
        name: str = "activations",
        block: str = "mnist × lenet5",
        environ: Mapping[str, Any] = ENVIRON,
        **spec: Any,
    ) -> str:
        """Write the plan and the runs of one comparison.

        Args:
            outcomes: for each variant one outcome per seed, as `run` takes it.
            name: of the sweep.
            block: of all cells.
            environ: the environment of each run.
            spec: changes of the question.
        """
        seeds = range(max(len(f) for f in outcomes.values()))
        cells = [(v, s, block) for v in outcomes for s in seeds if s < len(outcomes[v])]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "fsync", lambda _: None)  # durability is not tested here
            self.part(name, cells, list(outcomes), **spec)
            for variant, per_seed in outcomes.items():
                for seed, outcome in enumerate(per_seed):
                    self.run(key(variant, seed, block), outcome, environ)
        return name

    def part(
        self,
        name: str,
        cells: Sequence[tuple[str, int, str]],
        variants: Sequence[str],
        kind: str = "comparison",
        excluded: Sequence[Mapping[str, str]] = (),
        **spec: Any,
    ) -> None:
        whole = {
            "question": "Which activation trains LeNet-5 best on MNIST?",
            "kind": "versus_baseline",
            "metric": "test/accuracy",
            "goal": "max",
            "baseline": variants[0],
            "seeds": len({seed for _, seed, _ in cells}),
            "variants": {v: {"activation": v} for v in variants},
            "blocks": {},
        }
        write_part(
            self.lab.sweep_folder(name),
            Part(
                kind=kind,
                time=START,
                command=f"ablab sweep {name}",
                spec=read_spec(whole | {"kind": spec.pop("question_kind", whole["kind"])} | spec),
                cells=tuple(Cell(v, s, b, key(v, s, b)) for v, s, b in cells),
                trials={key(*cell): trial(*cell) for cell in cells},
                excluded=tuple(excluded),
            ),
        )

    def run(self, name: str, outcome: Outcome, environ: Mapping[str, Any] = ENVIRON) -> None:
        """Write a run.

        Args:
            name: its trial's key.
            outcome: test accuracy (finished), "failed", "diverged", "diverged 0.42" (accuracy at
                the chosen epoch) or None (no run).
            environ: its environment.
        """
        if outcome is None:
            return
        run = self.lab.new_run({"key": name, "data_hash": "d1a7a", "config": {}, "choices": {}})
        write_json(run.folder / ENVIRONMENT, dict(environ))
        journal = Journal(run.journal)
        word, _, accuracy = str(outcome).partition(" ")
        final = outcome if isinstance(outcome, float) else float(accuracy or 0.5)
        for entry in curve(final, name, epochs=4 if isinstance(outcome, str) else 12):
            journal.append(entry)
        if word == "failed":
            error = "out of memory <script>alert(1)</script>"
            journal.append(Entry("failed", START + 99, note={"error": error}))
            return
        outcome = "diverged" if word == "diverged" else "finished"
        metrics = {}
        if accuracy or outcome == "finished":
            metrics["test/accuracy"] = round(final * IMAGES) / IMAGES
        if outcome == "finished":
            metrics |= {"test/accuracy_last": metrics["test/accuracy"] - 2 / IMAGES}
            metrics |= {"val/accuracy": metrics["test/accuracy"], "best/epoch": 9, "test/loss": 1.0}
        write_completion(
            run.folder,
            Completion(name, run.number, outcome, START + 99, metrics, MEASURED, METADATA, {}),
        )


def deliver_pictures(writer: LabWriter, run: Path, *names: str) -> Path:
    """Put empty pictures where delivery puts those of a run; return their folder."""
    run_id = hashlib.sha256(str(run).encode()).hexdigest()[:32]
    (run / "runs.json").write_text(json.dumps({"lab": {"any": {"run_id": run_id}}}))
    folder = writer.lab.root / "artifacts" / "1" / run_id / "artifacts" / "pictures"
    folder.mkdir(parents=True)
    for name in names:
        (folder / f"{name}.png").touch()
    return folder


def rewrite(path: Path, content: Mapping[str, Any]) -> None:
    """Replace a sealed record by another one with a valid seal."""
    write_sealed(path, {name: value for name, value in content.items() if name != "sha256"})


def key(variant: str, seed: int, block: str) -> str:
    safe = "".join(c if c.isalnum() else "_" for c in f"{variant}-{block}"[-80:])
    return f"{safe}-{seed}"


def trial(variant: str, seed: int, block: str) -> dict[str, Any]:
    content = {"config": {"seed": seed}, "choices": {}, "data_hash": "d1a7a", "sources": {}}
    return {**content, "outside_key": ["sweep"]}


def curve(final: float, name: str, epochs: int) -> list[Entry]:
    generator = np.random.default_rng(sum(name.encode()))
    heights = final - (final - 0.1) * np.exp(-0.45 * np.arange(1, epochs + 1) * (1 + final))
    heights -= 0.004 * generator.random(epochs)
    return [
        Entry("epoch", START + 5 * i, i, metrics={"val/accuracy": float(h), "val/loss": 1.0})
        for i, h in enumerate(heights)
    ]


def realistic_outcomes(seeds: int = 5) -> dict[str, list[Outcome]]:
    """Return accuracies of six activations on MNIST, with an effect of the seed that is shared."""
    generator = np.random.default_rng(3)
    means = {
        "relu": 0.9912,
        "sigmoid": 0.9846,
        "tanh": 0.9899,
        "leaky_relu": 0.9914,
        "prelu": 0.9911,
        "elu": 0.9927,
    }
    shared = generator.normal(0, 0.0006, seeds)
    return {
        v: [float(x) for x in m + shared + generator.normal(0, 0.00045, seeds)]
        for v, m in means.items()
    }
