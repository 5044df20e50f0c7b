"""Eight MLP trials (784-64-128-64-10, BN, Adam, batch 128, 1 epoch of MNIST) against a bare loop.

The trials run side by side on two cores, after warm-up, each to its completion record; the loop
does the eight one after another, with Adam as torch takes it and with the fused Adam of the trials.
"""

import os
import tempfile
import time

import torch
from bare import Images, train
from figures import options, ratio, spread, tell

from ablab.config.compose import compose
from ablab.config.trial import Trial, resolve
from ablab.model import build
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
    """Measure and tell."""
    asked = options(__doc__ or "", 5)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ABLAB_HOME"] = f"{folder}/lab"
        lab, base = Lab.open(), compose(MLP)
        launcher = make_launcher(base.resolved())
        images = Images(build.datamodule(base.resolved()), torch.channels_last)
        ours: list[float] = []
        bare: list[float] = []
        fused: list[float] = []
        for number in range(asked.rounds + 1):
            seeds = range(number * TRIALS, (number + 1) * TRIALS)
            trials = [resolve(base.with_values({"seed": seed})) for seed in seeds]
            now = (
                _side_by_side(lab, trials, launcher),
                _one_by_one(trials, images),
                _one_by_one(trials, images, fused=True),
            )
            if number:  # the first round warms up
                ours.append(now[0])
                bare.append(now[1])
                fused.append(now[2])
        launcher.close()
    lines = [
        f"eight trials, two slots     {spread(ours)}",
        f"bare loop, one by one       {spread(bare)}",
        f"the same with fused Adam    {spread(fused)}",
        f"trials / bare               {ratio(ours, bare)}",
        f"trials / bare, fused        {ratio(ours, fused)}",
    ]
    tell(__doc__ or "", lines, asked.save)


def _side_by_side(lab: Lab, trials: list[Trial], launcher: Launcher) -> float:
    jobs = [
        Job(Cell("mlp", trial.config["seed"], "mnist · mlp", trial.key), trial.as_dict())
        for trial in trials
    ]
    settings = ProcessSettings(Devices(**trials[0].config["devices"]), in_sweep=True)
    start = time.perf_counter()
    Schedule(lab, jobs, launcher, settings).run()
    seconds = time.perf_counter() - start
    assert all(lab.finished(trial.key) for trial in trials)
    return seconds


def _one_by_one(trials: list[Trial], images: Images, fused: bool | None = None) -> float:
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
