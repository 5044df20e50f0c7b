"""A user's networks on two processes: lazy layers, and weights that a step does not use."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from train_process import train_in_subprocess

from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.tracking.lab import Lab, Run
from ablab.training.settings import Devices, ProcessSettings

SOURCE = """
import torch
from torch import nn
class Mine(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.head, self.other = nn.LazyLinear(num_classes), nn.Linear(1024, num_classes)
        self.passes = 0
    def forward(self, x):
        self.passes += self.training
        x = x.flatten(1)
        return {output}
"""
OUTPUTS = {
    "never": "self.head(x)",
    "at some steps": "self.head(x) + (self.other(x) if self.passes % 3 == 0 else 0)",
}


def _train_as_command(run: Run) -> int:
    """Train as a command, without the variable that would hold it to one thread."""
    settings = ProcessSettings(Devices(**run.trial["config"]["devices"])).to_json()
    command = [sys.executable, "-m", "ablab.training", str(run.folder), settings]
    environment = {name: v for name, v in os.environ.items() if name != "OMP_NUM_THREADS"}
    return subprocess.run(command, env=environment, check=False).returncode


def _log(run: Run) -> str:
    return (run.folder / "log.txt").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS)
def test_unused_weights_do_not_stop_two_processes(
    mine: Callable[[str], Path], tmp_path: Path, lab: Lab, output: str
) -> None:
    mine(SOURCE.format(output=output))
    (tmp_path / "conf" / "architecture").mkdir()
    (tmp_path / "conf" / "architecture" / "own.yaml").write_text("_target_: mine.Mine\n")
    metrics = []
    for devices in ("cpu", "ddp_cpu"):
        overrides = ["architecture=own", "optimizer=sgd", "batch_size=96", "trainer.max_epochs=2"]
        precise = ["trainer.precision=64-true", f"devices={devices}"]
        run = lab.new_run(resolve(compose([*overrides, *precise])).as_dict())
        assert (train_in_subprocess if devices == "cpu" else _train_as_command)(run) == 0, _log(run)
        train, *epochs = run.entries()
        assert train.note["threads"] == 1
        metrics.append([dict(epoch.metrics) for epoch in epochs])
    assert metrics[0] == [pytest.approx(epoch) for epoch in metrics[1]]
