"""Trials that train together (backend=fused) against the same trials one after the other.

K trials in one process, one epoch of MNIST each, to their completion records: CPU seconds of K
trials of backend=torch, one by one, over those of K fused ones, in turns. Then 16 MLP trials in two
slots, processes included, and a bare loop with torch's default Adam that trains them in sequence.
"""

import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace

import torch
from bare import Images
from eight_trials import MLP, _parallel, _sequential
from measurements import format_median, format_ratio, parse_options, print_results

from ablab.config.compose import compose
from ablab.config.trial import Trial, resolve
from ablab.model import build
from ablab.sweep.launch.choice import make_launcher
from ablab.tracking.lab import Lab
from ablab.training.opening import open_run
from ablab.training.process import run_process
from ablab.training.settings import Devices, ProcessSettings

NETWORKS = {"MLP": MLP, "LeNet-5": ["dataset=mnist", "trainer.max_epochs=1", "devices=cpu"]}
BACKENDS = ("torch", "fused")
SETTINGS = ProcessSettings(Devices("cpu"))
TRIALS = 16


def main() -> None:
    """Measure and report."""
    args = parse_options(__doc__ or "", 5)
    torch.set_num_threads(1)
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ABLAB_HOME"] = f"{folder}/lab"
        lab = Lab.open()
        for name, overrides in NETWORKS.items():
            for count in (1, 2, 4, 8):
                torch_seconds, fused_seconds = _in_one_process(lab, overrides, count, args.rounds)
                ratio = format_ratio(torch_seconds, fused_seconds)
                lines.append(f"{name}, K = {count}: one by one / together   {ratio}")
        lines += _in_two_slots(lab, args.rounds)
    print_results(__doc__ or "", lines, args.save)


def _trials(overrides: Sequence[str], backend: str, seeds: range) -> list[Trial]:
    base = compose([*overrides, f"backend={backend}"])
    return [resolve(base.with_values({"seed": seed})) for seed in seeds]


def _in_one_process(
    lab: Lab, overrides: Sequence[str], count: int, rounds: int
) -> tuple[list[float], list[float]]:
    """Return the processor seconds of trials one by one, and of the same together."""
    seconds: dict[str, list[float]] = {backend: [] for backend in BACKENDS}
    for number in range(rounds + 1):
        for backend in BACKENDS:
            seeds = range((100 * count + number) * 8, (100 * count + number) * 8 + count)
            runs = [open_run(lab, t.as_dict()) for t in _trials(overrides, backend, seeds)]
            start = time.process_time()
            if backend == "fused":
                companions = tuple(str(run.folder) for run in runs[1:])
                run_process(runs[0].folder, replace(SETTINGS, companions=companions))
            else:
                for run in runs:
                    run_process(run.folder, SETTINGS)
            seconds[backend].append(time.process_time() - start)
            assert all(run.completion for run in runs)
    return seconds["torch"][1:], seconds["fused"][1:]  # the first round is a warm-up


def _in_two_slots(lab: Lab, rounds: int) -> list[str]:
    config = compose(MLP).resolved()
    launcher = make_launcher(config)
    images = Images(build.datamodule(config), torch.channels_last)
    seconds: dict[str, list[float]] = {name: [] for name in (*BACKENDS, "bare")}
    for number in range(rounds + 1):
        seeds = range(10_000 + number * TRIALS, 10_000 + (number + 1) * TRIALS)
        found = {
            "torch": _parallel(lab, _trials(MLP, "torch", seeds), launcher),
            "fused": _parallel(lab, _trials(MLP, "fused", seeds), launcher, fuse=TRIALS // 2),
            "bare": _sequential(_trials(MLP, "torch", seeds), images),
        }
        for name, value in found.items() if number else ():
            seconds[name].append(value)
    launcher.close()
    return [
        *(f"16 MLP trials, {name}: {format_median(each)}" for name, each in seconds.items()),
        f"backend=torch / backend=fused: {format_ratio(seconds['torch'], seconds['fused'])}",
        f"bare loop / backend=fused: {format_ratio(seconds['bare'], seconds['fused'])}",
    ]


if __name__ == "__main__":
    main()
