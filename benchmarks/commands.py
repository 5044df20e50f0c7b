"""What a user waits for before, beside and after training.

CPU seconds are those of a command and of all processes that it starts, also of those that outlive
it. With a folder as an argument, a clone of ablab at another commit, each command is run by both
builds in turns, each with a lab of its own.
"""

import ctypes
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from measurements import format_median, format_ratio, parse_options, print_results

from ablab.tracking.journal import read_entries

ROOT = Path(__file__).resolve().parents[1]
SUBREAPER = 36  # of prctl(2): processes whose parent has ended become children of this one
# The network and the job that lightning-hydra-template comes with, four times.
JOB = """# @package _global_
defaults:
  - override /dataset: mnist
  - override /architecture: mlp
  - override /normalization: batch
  - override /optimizer: adam
architecture: {widths: [64, 128, 64]}
trainer: {max_epochs: 1}
sweep:
  question: Which learning rate?
  kind: best
  metric: test/accuracy
  baseline: {optimizer.lr: 0.001}
  seeds: 1
  grid:
    optimizer.lr: [0.0005, 0.001, 0.002, 0.004]
"""
JOB_NAME = "four one-epoch MLPs on MNIST"
BEYOND = "  of it beyond training: twice this, less the same with two epochs"
FIRST = "from the command of this sweep to its first trial"
TRIAL = ("train", "architecture=mlp", "trainer.max_epochs=1")
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "--help": ("--help",),
    "refused typo": ("train", "activaton=elu"),
    "train of a finished trial": TRIAL,
    "status": ("status",),
    "sweep demo --dry-run": ("sweep", "demo", "--dry-run"),
    "report demo": ("report", "demo"),
    "sweep demo --report, nothing new": ("sweep", "demo", "--report"),
}


def main() -> None:
    """Measure and report."""
    asked = parse_options(__doc__ or "", 3, "a clone of ablab at another commit")
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    builds = {"this": ROOT, **{Path(name).name: Path(name) for name in asked.names}}
    cpu: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    wall: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory() as temporary:
        for number in range(asked.rounds):
            for name, clone in reversed(builds.items()) if number % 2 else builds.items():
                lab = Path(temporary, name)
                for what, (own, seconds) in _round(clone, lab, Path(temporary), number).items():
                    cpu[what][name].append(own)
                    wall[what][name].append(seconds)
    lines = []
    for what, by_build in cpu.items():
        of_wall = what == FIRST
        values = wall[what] if of_wall else by_build
        lines.append(f"{what}, {'seconds' if of_wall else 'CPU seconds'}")
        lines += [f"  {name:10} {format_median(values[name])}" for name in builds]
        others = [name for name in builds if name != "this"]
        lines += [f"  {'ratio':10} {format_ratio(values['this'], values[o])}" for o in others]
    load = "/".join(f"{value:.1f}" for value in os.getloadavg())
    lines.append(f"load average of the machine at the end: {load}")
    print_results(__doc__ or "", lines, asked.save)


def _round(clone: Path, lab: Path, folder: Path, number: int) -> dict[str, tuple[float, float]]:
    """Return CPU and wall-clock seconds of each command, once."""
    if not number:
        # No later command decodes MNIST.
        _run(clone, lab, folder, "train", "dataset=mnist", "--offline", *TRIAL[1:])
        _run(clone, lab, folder, *TRIAL)
        _run(clone, lab, folder, "sweep", "demo", "--report")
        for words in COMMANDS.values():  # what is recorded at the first time is there
            _run(clone, lab, folder, *words)
    found = {what: _run(clone, lab, folder, *words) for what, words in COMMANDS.items()}
    (folder / "sweeps").mkdir(exist_ok=True)
    (folder / "sweeps" / "job.yaml").write_text(JOB)
    mnist = lab / "cache" / "mnist"
    new, start = _new_lab(folder, mnist), time.time()
    one = _run(clone, new, folder, "sweep", "job")
    two = _run(clone, _new_lab(folder, mnist), folder, "sweep", "job", "trainer.max_epochs=2")
    found[JOB_NAME] = one
    found[BEYOND] = 2 * one[0] - two[0], 0.0
    entries = [read_entries(path)[0][0] for path in new.glob("trials/*/*/journal.jsonl")]
    found[FIRST] = 0.0, min(entry.time for entry in entries) - start
    return found


def _new_lab(folder: Path, mnist: Path) -> Path:
    """Return the folder of a new lab that has MNIST and nothing else."""
    lab = Path(tempfile.mkdtemp(dir=folder))
    (lab / "cache").mkdir()
    (lab / "cache" / "mnist").symlink_to(mnist)
    return lab


def _run(clone: Path, lab: Path, folder: Path, *words: str) -> tuple[float, float]:
    """Return CPU seconds of all processes, and wall-clock seconds of the command."""
    environment = {**os.environ, "ABLAB_HOME": str(lab), "PYTHONPATH": str(clone / "src")}
    before, start = _children(), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "ablab", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    while True:  # the server that forked the trials, and what it forked
        try:
            os.wait()
        except ChildProcessError:
            return _children() - before, seconds


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)  # `os.times` counts hundredths
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
