"""A user's networks on two processes: lazy layers, and weights that a step does not use."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.tracking.lab import Lab
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
        settings = ProcessSettings(Devices(**run.trial["config"]["devices"]))
        command = [sys.executable, "-m", "ablab.training.process"]
        environment = {name: v for name, v in os.environ.items() if name != "OMP_NUM_THREADS"}
        done = subprocess.run(
            [*command, str(run.folder), settings.to_json()], env=environment, check=False
        )
        assert done.returncode == 0, (run.folder / "log.txt").read_text()
        train, *epochs = run.entries()
        assert train.note["threads"] == 1
        metrics.append([dict(epoch.metrics) for epoch in epochs])
    assert metrics[0] == [pytest.approx(epoch) for epoch in metrics[1]]
