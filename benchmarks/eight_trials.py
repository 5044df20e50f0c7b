"""Eight MLP trials (784-64-128-64-10, BN, Adam, batch 128, 1 epoch of MNIST) against a bare loop.

The trials run in parallel on two cores, after a warm-up, each to its completion record; the loop
trains the eight networks in sequence, with torch's default Adam and with the trials' fused Adam.
"""

import os
import tempfile
import time

import torch
from bare import Images, train
from measurements import format_median, format_ratio, parse_options, print_results

from ablab.config.compose import compose
from ablab.config.trial import Trial, resolve
from ablab.model import build
from ablab.sweep.fusion import choose_fusion
from ablab.sweep.job import Job
from ablab.sweep.launch.choice import make_launcher
from ablab.sweep.launch.launcher import Launcher
from ablab.sweep.schedule import Schedule
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell
from ablab.training.settings import Devices, ProcessSettings

TRIALS, BATCH, SLOTS = 8, 128, 2
MLP = [
    "dataset=mnist",
    "architecture=mlp",
    "architecture.widths=[64,128,64]",
    "normalization=batch",
    "trainer.max_epochs=1",
    f"batch_size={BATCH}",
    "devices=cpu",
    f"launcher.slots={SLOTS}",
]


def main() -> None:
    """Measure and report."""
    args = parse_options(__doc__ or "", 5)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ABLAB_HOME"] = f"{folder}/lab"
        lab, base = Lab.open(), compose(MLP)
        launcher = make_launcher(base.resolved())
        images = Images(build.datamodule(base.resolved()), torch.channels_last)
        ours: list[float] = []
        bare: list[float] = []
        fused: list[float] = []
        for number in range(args.rounds + 1):
            seeds = range(number * TRIALS, (number + 1) * TRIALS)
            trials = [resolve(base.with_values({"seed": seed})) for seed in seeds]
            measured = (
                _parallel(lab, trials, launcher),
                _sequential(trials, images),
                _sequential(trials, images, fused=True),
            )
            if number:  # the first round is a warm-up
                ours.append(measured[0])
                bare.append(measured[1])
                fused.append(measured[2])
        launcher.close()
    lines = [
        f"eight trials, two slots     {format_median(ours)}",
        f"bare loop, in sequence      {format_median(bare)}",
        f"the same with fused Adam    {format_median(fused)}",
        f"trials / bare               {format_ratio(ours, bare)}",
        f"trials / bare, fused        {format_ratio(ours, fused)}",
    ]
    print_results(__doc__ or "", lines, args.save)


def _parallel(lab: Lab, trials: list[Trial], launcher: Launcher, fuse: int = 1) -> float:
    jobs = [
        Job(Cell("mlp", trial.config["seed"], "mnist · mlp", trial.key), trial.as_dict())
        for trial in trials
    ]
    fusion, _ = choose_fusion(jobs, fuse, launcher.slots)
    settings = ProcessSettings(Devices(**trials[0].config["devices"]), in_sweep=True)
    start = time.perf_counter()
    Schedule(lab, jobs, launcher, settings, fusion=fusion).run()
    seconds = time.perf_counter() - start
    assert all(lab.finished(trial.key) for trial in trials)
    return seconds


def _sequential(trials: list[Trial], images: Images, fused: bool | None = None) -> float:
    networks = [
        build.network(trial.config, build.datamodule(trial.config), torch.Generator())[0]
        for trial in trials
    ]
    start = time.perf_counter()
    lr = trials[0].config["optimizer"]["lr"]
    for network in networks:
        train(network, images, epochs=1, batch_size=BATCH, lr=lr, fused=fused)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
