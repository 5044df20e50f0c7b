"""What probes cost: their share of an epoch of LeNet-5 on MNIST (batch 128, one thread)."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytorch_lightning as pl
import torch
from figures import options, spread, tell

from ablab.config.compose import compose
from ablab.config.probe_switches import SWITCHES
from ablab.model import build
from ablab.training.probes.callback import Probes
from ablab.training.settings import Devices
from ablab.training.trainer import trainer

DEVICES = Devices("cpu")


class Timed(Probes):
    """Sums up the seconds of its hooks.

    Attributes:
        seconds: of all hooks so far.
    """

    seconds = 0.0

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if not name.startswith("on_train"):
            return found

        def timed(*arguments: Any, **named: Any) -> None:
            start = time.perf_counter()
            found(*arguments, **named)
            self.seconds += time.perf_counter() - start

        return timed


def main() -> None:
    """Measure and tell."""
    asked = options(__doc__ or "", 3)
    torch.set_num_threads(1)
    alone = [name for name in SWITCHES if name != "generalization_gap"]
    choices = {"probes=default": ["probes=default"]}
    choices |= {f"probes.{name}=true": [f"probes.{name}=true"] for name in alone}
    lines = [
        f"{name:28} {spread([100 * _share(overrides) for _ in range(asked.rounds)], '%')}"
        for name, overrides in choices.items()
    ]
    tell(__doc__ or "", lines, asked.save)


def _share(overrides: list[str]) -> float:
    """Return the seconds of probes over those of the rest of an epoch, validation included."""
    config = compose(["dataset=mnist", "trainer.max_epochs=1", *overrides]).resolved()
    data = build.datamodule(config)
    module = build.classifier(config, data)
    with TemporaryDirectory() as folder:
        probes = Timed(config["probes"], Path(folder) / "probes.csv")
        fitter = trainer(config["trainer"], DEVICES, Path(folder), _silent(), [probes])
        start = time.perf_counter()
        fitter.fit(module, data)
        seconds = time.perf_counter() - start
    return probes.seconds / (seconds - probes.seconds)


def _silent() -> Any:
    return pl.loggers.logger.DummyLogger()


if __name__ == "__main__":
    main()
