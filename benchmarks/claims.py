"""Trials of five claims of textbooks: seconds of training, by this build and by another.

With a folder as an argument, a clone of ablab at another commit, each trial is trained by both
builds in turns, in a process of its own. Seconds of training of all epochs but the first.
"""

import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from measurements import format_median, format_ratio, parse_options, print_results

from ablab.tracking.journal import read_entries

ROOT = Path(__file__).resolve().parents[1]
MNIST = ("dataset=mnist", "data.train_images=20000", "trainer.max_epochs=6")
# The base trials of the claims' sweeps, without what other builds do not have.
TRIALS: dict[str, Sequence[str]] = {
    "1 linear_layers": (*MNIST, "architecture=mlp", "architecture.widths=[100,100]"),
    "4 relu_converges_faster": MNIST,
    "7 batch_norm_speed": (*MNIST, "optimizer=sgd", "normalization=batch"),
    "13 standardized_inputs": (*MNIST, "optimizer=sgd", "data.standardize=false"),
    "14 dropout_overfitting": (
        *(*MNIST, "architecture=mlp", "architecture.widths=[300,300]"),
        "dropout=dropout",
    ),
}


def main() -> None:
    """Measure and report."""
    asked = parse_options(__doc__ or "", 5, "a clone of ablab at another commit")
    builds = {"this": ROOT, **{Path(name).name: Path(name) for name in asked.names}}
    seconds: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory() as temporary:
        for number in range(asked.rounds + 1):
            for what, overrides in TRIALS.items():
                for name, clone in reversed(builds.items()) if number % 2 else builds.items():
                    lab = Path(temporary, name)
                    own = _train(clone, lab, Path(temporary), [*overrides, f"seed={number}"])
                    if number:  # the first round decodes the data
                        seconds[what][name].append(own)
    lines = []
    for what, by_build in seconds.items():
        lines.append(what)
        lines += [f"  {name:10} {format_median(by_build[name])}" for name in builds]
        others = [name for name in builds if name != "this"]
        lines += [
            f"  {o + ' / this':10} {format_ratio(by_build[o], by_build['this'])}" for o in others
        ]
    print_results(__doc__ or "", lines, asked.save)


def _train(clone: Path, lab: Path, folder: Path, overrides: Sequence[str]) -> float:
    """Return the seconds of training of a new trial, without its first epoch."""
    before = set(lab.glob("trials/*/*/journal.jsonl"))
    subprocess.run(
        [sys.executable, "-m", "ablab", "train", "--offline", *overrides],
        cwd=folder,
        env={**os.environ, "ABLAB_HOME": str(lab), "PYTHONPATH": str(clone / "src")},
        capture_output=True,
        check=True,
    )
    (journal,) = set(lab.glob("trials/*/*/journal.jsonl")) - before
    epochs = [entry for entry in read_entries(journal)[0] if entry.kind == "epoch"]
    return sum(epoch.measured["time/epoch_seconds"] for epoch in epochs[1:])


if __name__ == "__main__":
    main()
