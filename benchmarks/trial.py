"""One LeNet-5 MNIST trial (3 epochs, batch 128, one thread, journal on) against bare loops."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from bare import Images, train
from measurements import format_median, format_ratio, parse_options, print_results

from ablab.config.compose import compose
from ablab.config.trial import Trial, resolve
from ablab.model import build
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.training.process import run_process
from ablab.training.settings import Devices, ProcessSettings

EPOCHS, BATCH, THREADS = 3, 128, 1
NAMES = ("trial", "same", "contiguous", "fused")
SETTINGS = ProcessSettings(Devices("cpu"), THREADS)


def main() -> None:
    """Measure and report."""
    args = parse_options(__doc__ or "", 5)
    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ABLAB_HOME"] = f"{folder}/lab"
        lab = Lab.open()
        trial = resolve(
            compose(["dataset=mnist", f"trainer.max_epochs={EPOCHS}", f"batch_size={BATCH}"])
        )
        data = build.datamodule(trial.config)
        peak = _peak_memory(lab, trial)
        formats = {"same": torch.channels_last, "contiguous": torch.contiguous_format}
        images = {name: Images(data, form) for name, form in formats.items()}
        seconds: dict[str, list[float]] = {name: [] for name in NAMES}
        cpu: dict[str, list[float]] = {name: [] for name in NAMES}
        for number in range(args.rounds + 1):
            measured = {"trial": _trial(lab, trial)}
            measured |= {name: _bare(trial, images[name]) for name in formats}
            measured["fused"] = _bare(trial, images["same"], fused=True)
            for name, value in measured.items() if number else ():  # the first round is a warm-up
                seconds[name].append(value[0])
                cpu[name].append(value[1])
    same, contiguous, fused = (seconds[name] for name in NAMES[1:])
    lines = [
        f"trial                               {format_median(seconds['trial'])}",
        f"bare loop, same memory format       {format_median(same)}",
        f"bare loop, contiguous               {format_median(contiguous)}",
        f"trial / bare, same memory format    {format_ratio(seconds['trial'], same)}",
        f"trial / bare, contiguous            {format_ratio(seconds['trial'], contiguous)}",
        f"trial / bare, same, fused Adam      {format_ratio(seconds['trial'], fused)}",
        f"same memory format, CPU seconds     {format_ratio(cpu['trial'], cpu['same'])}",
        f"contiguous, CPU seconds             {format_ratio(cpu['trial'], cpu['contiguous'])}",
        f"same, fused Adam, CPU seconds       {format_ratio(cpu['trial'], cpu['fused'])}",
        f"peak memory of a trial's process    {peak / 1e6:.0f} MB",
    ]
    print_results(__doc__ or "", lines, args.save)


def _trial(lab: Lab, trial: Trial) -> tuple[float, float]:
    run = lab.new_run(trial.as_dict())
    start = time.perf_counter(), time.process_time()
    code = run_process(run.folder, SETTINGS)
    assert code == 0
    return time.perf_counter() - start[0], time.process_time() - start[1]


def _bare(trial: Trial, images: Images, fused: bool | None = None) -> tuple[float, float]:
    network, _ = build.network(trial.config, build.datamodule(trial.config), torch.Generator())
    start = time.perf_counter(), time.process_time()
    lr = trial.config["optimizer"]["lr"]
    train(network, images, epochs=EPOCHS, batch_size=BATCH, lr=lr, fused=fused)
    return time.perf_counter() - start[0], time.process_time() - start[1]


def _peak_memory(lab: Lab, trial: Trial) -> float:
    """Return the peak memory, in bytes, of a new process that trains one trial."""
    run: Run = lab.new_run(trial.as_dict())
    command = [sys.executable, "-m", "ablab.training", str(Path(run.folder))]
    subprocess.run([*command, SETTINGS.to_json()], check=True)
    assert run.completion is not None
    return run.completion.measured["memory/peak_bytes"]


if __name__ == "__main__":
    main()
