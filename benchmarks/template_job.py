"""A job of the lightning-hydra-template, by the template itself and as a sweep of ablab, in turns.

Four one-epoch trials of its own network and data: an MLP 784-64-128-64-10 with batch norm, Adam
with a learning rate of 0.001, MNIST, batches of 128, seeds 1 to 4; 55,000 images to train on, 5,000
to validate and 10,000 to test there, the standard split here (54,000, 6,000 and 10,000). Counted
are the seconds from the command to its end, each time with a new folder of logs or a new lab. The
template writes CSV files, as is cheapest; ablab records, and delivers to MLflow, as always. The
data lie on the disk for both: as the files that torchvision decodes, and as the cache of the lab.

    python benchmarks/template_job.py FOLDER PYTHON

FOLDER is a working copy of github.com/ashleve/lightning-hydra-template whose ``data/MNIST/raw`` has
the files, PYTHON the interpreter of an environment with its packages. For a comparison of the
programs alone, give it the same torch and Lightning as ablab has.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from measurements import format_median, format_ratio, parse_options, print_results

SWEEP = """# @package _global_
defaults:
  - override /dataset: mnist
  - override /architecture: mlp
  - override /normalization: batch
  - override /optimizer: adam
architecture: {widths: [64, 128, 64]}
optimizer: {lr: 0.001}
batch_size: 128
trainer: {max_epochs: 1}
sweep:
  question: How well does the network of the template do?
  kind: best
  metric: test/accuracy
  seeds: [1, 2, 3, 4]
  grid:
    activation: [relu]
"""
VERSIONS = "import torch, lightning; print(torch.__version__, lightning.__version__)"


def main() -> None:
    """Measure and report."""
    asked = parse_options(__doc__ or "", 3, "the template's folder, and the Python that runs it")
    if len(asked.names) != 2:
        sys.exit("FOLDER and PYTHON must be given")
    template, python = Path(asked.names[0]).resolve(), asked.names[1]
    load = os.getloadavg()[0]
    theirs, ours = list[float](), list[float]()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        cache = _decoded(folder)
        for number in range(asked.rounds):
            for is_ours in (True, False) if number % 2 else (False, True):
                if is_ours:
                    ours.append(_sweep(folder, folder / f"lab{number}", cache))
                else:
                    theirs.append(_template(template, python, folder / f"logs{number}"))
    pairs = ", ".join(f"{a / b:.2f}" for a, b in zip(theirs, ours, strict=True))
    versions = subprocess.check_output([python, "-c", VERSIONS], text=True, cwd=template).split()
    print_results(
        __doc__ or "",
        [
            f"template  {format_median(theirs)}",
            f"ablab     {format_median(ours)}",
            f"ratio     {format_ratio(theirs, ours)}; by pair: {pairs}",
            f"the template's torch {versions[0]}, lightning {versions[1]}",
            f"cores: {len(os.sched_getaffinity(0))}; load before the first: {load:.1f}",
        ],
        asked.save,
    )


def _decoded(folder: Path) -> Path:
    """Let ablab decode MNIST once, as it does at its first use, and return the arrays' folder."""
    lab = folder / "lab"
    (folder / "sweeps").mkdir()
    (folder / "sweeps" / "job.yaml").write_text(SWEEP)
    words = ["train", "dataset=mnist", "architecture=mlp", "trainer.max_epochs=1", "--offline"]
    _run([sys.executable, "-m", "ablab", *words], folder, {"ABLAB_HOME": str(lab)})
    return lab / "cache" / "mnist"


def _template(template: Path, python: str, logs: Path) -> float:
    """Return the seconds of the template's multirun."""
    words = ["src/train.py", "-m", "trainer=cpu", "trainer.max_epochs=1", "data.batch_size=128"]
    settings = ["logger=csv", "seed=1,2,3,4", f"paths.log_dir={logs}"]
    # torch >= 2.6 refuses the checkpoint that the template itself has written, otherwise.
    return _run([python, *words, *settings], template, {"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"})


def _sweep(folder: Path, lab: Path, cache: Path) -> float:
    """Return the seconds of the same job as a sweep in a new lab."""
    (lab / "cache").mkdir(parents=True)
    (lab / "cache" / "mnist").symlink_to(cache)
    return _run([sys.executable, "-m", "ablab", "sweep", "job"], folder, {"ABLAB_HOME": str(lab)})


def _run(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> float:
    start = time.perf_counter()
    environment = {**os.environ, **variables}
    subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
