"""Cost of probes: their share of an epoch of LeNet-5 on MNIST (batch 128, one thread)."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytorch_lightning as pl
import torch
from measurements import format_median, parse_options, print_results

from ablab.config.compose import compose
from ablab.config.probe_switches import SWITCHES
from ablab.model import build
from ablab.training.probes.callback import Probes
from ablab.training.settings import Devices
from ablab.training.trainer import trainer

DEVICES = Devices("cpu")


class Timed(Probes):
    """Measures the time of its hooks.

    Attributes:
        seconds: total time of all hooks so far.
    """

    seconds = 0.0

    def __getattribute__(self, name: str) -> Any:
        attribute = super().__getattribute__(name)
        if not name.startswith("on_train"):
            return attribute

        def timed(*arguments: Any, **named: Any) -> None:
            start = time.perf_counter()
            attribute(*arguments, **named)
            self.seconds += time.perf_counter() - start

        return timed


def main() -> None:
    """Measure and report."""
    args = parse_options(__doc__ or "", 3)
    torch.set_num_threads(1)
    single = [name for name in SWITCHES if name != "generalization_gap"]
    choices = {"probes=default": ["probes=default"]}
    choices |= {f"probes.{name}=true": [f"probes.{name}=true"] for name in single}
    lines = [
        f"{name:28} {format_median([100 * _share(overrides) for _ in range(args.rounds)], '%')}"
        for name, overrides in choices.items()
    ]
    print_results(__doc__ or "", lines, args.save)


def _share(overrides: list[str]) -> float:
    """Return the seconds of probes divided by those of the rest of an epoch with validation."""
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
