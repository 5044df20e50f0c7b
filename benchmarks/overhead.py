"""What a sweep adds to the training of its trials: 40 MLPs on MNIST, one thread each, on all cores.

The overhead of a trial is the time from a free slot to the completion record, less that of its
epochs as the trial itself measured them: the fork, the checks, the data, the checkpoints, the test,
the records. Processor use is that of the whole machine, from the first trial's start until a slot
has nothing more to do. CPU seconds are those of a process that is forked for such a trial from one
with all imports, less those of its epoch: validation and test are in them, delivery to MLflow is
not. Empty trials are planned, leased in a shared MLflow store, started by a launcher whose trials
end at once, and recorded in the lab.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from measurements import format_median, parse_options, print_results

from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.folders import data_folder
from ablab.sweep.job import make_jobs
from ablab.sweep.schedule import Schedule
from ablab.sweep.sharing import Sharing
from ablab.tracking.address import sqlite_uri
from ablab.tracking.completion import Completion, write_completion
from ablab.tracking.lab import Lab
from ablab.tracking.ledger import Ledger
from ablab.tracking.plan import Cell, Part, Plan, find_plan, write_part
from ablab.tracking.run import Run
from ablab.tracking.spec import Spec
from ablab.tracking.store import Store
from ablab.training.process import run_process
from ablab.training.settings import Devices, ProcessSettings

EMPTY = 2_000
FORKED = 9
MLP = [
    "dataset=mnist",
    "architecture=mlp",
    "architecture.widths=[64,128,64]",
    "normalization=batch",
    "trainer.max_epochs=1",
    "devices=cpu",
]
SWEEP = """# @package _global_
defaults:
  - override /dataset: mnist
  - override /architecture: mlp
  - override /normalization: batch
architecture:
  widths: [64, 128, 64]
trainer:
  max_epochs: 1
devices:
  accelerator: cpu
sweep:
  question: What does a sweep add?
  kind: best
  seeds: 10
  grid: {activation: [relu, tanh, sigmoid, elu]}
"""


def main() -> None:
    """Measure and report."""
    asked = parse_options(__doc__ or "", 3)
    overheads: list[float] = []
    uses: list[float] = []
    minutes: list[float] = []
    seconds: list[float] = []
    for _ in range(asked.rounds):
        with tempfile.TemporaryDirectory() as folder:
            overhead, use = _sweep(Path(folder))
            overheads.append(overhead)
            uses.append(use)
            seconds += _forked(Path(folder) / "forked")
            minutes.append(_empty_trials(Path(folder) / "empty"))
    lines = [
        f"overhead of a trial     {format_median(overheads)}",
        f"the same, CPU seconds   {format_median(seconds)}",
        f"processor use           {format_median(uses, '%')}",
        f"empty trials a minute   {format_median(minutes, '')}",
    ]
    print_results(__doc__ or "", lines, asked.save)


def _sweep(folder: Path) -> tuple[float, float]:
    """Run the sweep; return seconds of overhead a trial, and the use of all cores in percent."""
    (folder / "sweeps").mkdir()
    (folder / "sweeps" / "overhead.yaml").write_text(SWEEP)
    environment = {**os.environ, "ABLAB_HOME": str(folder / "lab"), "OMP_NUM_THREADS": "1"}
    environment["ABLAB_DATA"] = str(data_folder())
    command = [sys.executable, "-m", "ablab", "sweep", "overhead"]
    samples: list[tuple[float, float, float]] = []  # time, busy and all processor seconds
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            samples.append((time.time(), *_processor_seconds()))
            time.sleep(0.1)
    assert process.returncode == 0
    lab = Lab(folder / "lab")
    plan = find_plan(lab, "overhead")
    assert plan is not None
    runs = [run for cell in plan.cells if (run := lab.finished(cell.key)) is not None]
    assert len(runs) == len(plan.cells)
    ends = sorted(run.completion.time for run in runs if run.completion is not None)
    start = min(run.entries()[0].time for run in runs)
    slots = len(os.sched_getaffinity(0))
    # The last trials of each slot end apart; until the first of them ends every slot is busy.
    trained = sum(map(_seconds, runs))
    overhead = (slots * (ends[-1] - start) - trained) / len(runs)
    inside = [sample for sample in samples if start <= sample[0] <= ends[-slots]]
    busy, total = (inside[-1][i] - inside[0][i] for i in (1, 2))
    return overhead, 100 * busy / total


def _seconds(run: Run) -> float:
    """Return the seconds of a trial's epochs."""
    completion = run.completion
    assert completion is not None
    epochs = [entry.measured for entry in run.entries() if entry.kind == "epoch"]
    return sum(e["time/epoch_seconds"] for e in epochs)


def _forked(folder: Path) -> list[float]:
    """Return the CPU seconds of each of a few forked trials beyond its epoch."""
    import ablab.sweep.launch.preload  # noqa: F401  all imports of a trial

    os.environ["ABLAB_HOME"] = str(folder)
    lab, trial = Lab.open(folder), resolve(compose(MLP)).as_dict()
    settings, seconds = ProcessSettings(Devices("cpu"), in_sweep=True), []
    for _ in range(FORKED + 1):
        run = lab.new_run(trial)
        pid = os.fork()
        if pid == 0:
            os._exit(run_process(run.folder, settings))
        _, status, usage = os.wait4(pid, 0)
        assert status == 0
        epochs = [entry.measured for entry in run.entries() if entry.kind == "epoch"]
        trained = sum(e["time/epoch_seconds"] * e["cpu/utilization"] for e in epochs)
        seconds.append(usage.ru_utime + usage.ru_stime - trained)
    return seconds[1:]  # the first one opens the data set's cache


def _processor_seconds() -> tuple[float, float]:
    """Return the busy and the total seconds of all processors since the boot."""
    words = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    values = [int(word) / os.sysconf("SC_CLK_TCK") for word in words]
    idle = values[3] + values[4]
    return sum(values) - idle, sum(values)


class _AtOnce:
    """A launcher and a worker: each trial writes its record and ends."""

    slots = 2

    def is_ready(self) -> bool:
        return True

    def start(self, run: Run, _settings: ProcessSettings, _slot: int) -> "_AtOnce":
        record = Completion(run.key, run.number, "finished", time.time(), {}, {}, {}, {})
        write_completion(run.folder, record)
        return self

    def poll(self) -> int:
        return 0

    def stop(self) -> None: ...

    def kill(self) -> None: ...

    def wait(self, workers: Sequence[object], seconds: float) -> None: ...

    def close(self) -> None: ...


def _empty_trials(folder: Path) -> float:
    """Return how many empty trials a minute are planned, leased and recorded."""
    lab = Lab.open(folder)
    store = Store.open(lab, sqlite_uri(folder / "team.db"), create=True)
    began = time.perf_counter()
    jobs = make_jobs(_plan(lab))
    sharing = Sharing(Ledger(store), lab)
    settings = ProcessSettings(Devices("cpu"), threads=1)
    watchers = [sharing]
    Schedule(lab, jobs, _AtOnce(), settings, watchers=watchers, may_start=sharing.may_start).run()
    seconds = time.perf_counter() - began
    sharing.close()
    assert all(job.state == "finished" for job in jobs)
    assert len(jobs) == EMPTY
    return 60 * EMPTY / seconds


def _plan(lab: Lab) -> Plan:
    config = compose([]).resolved()
    cells = tuple(Cell("relu", seed, "mnist", f"{seed:016x}") for seed in range(EMPTY))
    trial = {"choices": {}, "data_hash": "d" * 64, "sources": {}, "outside_key": []}
    trials = {c.key: {**trial, "key": c.key, "config": config | {"seed": c.seed}} for c in cells}
    blocks, seeds = {"mnist": {}}, tuple(range(EMPTY))
    spec = Spec(question="How fast?", seeds=seeds, variants={"relu": {}}, blocks=blocks)
    write_part(lab.sweep_folder("empty"), Part("comparison", 0.0, "", spec, cells, trials))
    plan = find_plan(lab, "empty")
    assert plan is not None
    return plan


if __name__ == "__main__":
    main()
