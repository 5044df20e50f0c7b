"""Measurement of a training step of several trials together."""

import time
from collections.abc import Mapping
from typing import Any

from ablab.data.fused_batches import FusedBatches
from ablab.data.module import InMemoryDataModule
from ablab.model import build
from ablab.training.fused.classifier import FusedClassifier
from ablab.training.fused.member import DTYPES

_STEPS = 2
_ROUNDS = 3


def measure_steps(config: Mapping[str, Any], trials: int) -> tuple[float, float]:
    """Return the CPU seconds of a step and trial: alone, and of several trials together.

    Measured in turns on the CPU, two steps at a time; the fastest count, since whatever else runs
    on the machine only adds to them.

    Args:
        config: of one of the trials.
        trials: that train together, >= 2.
    """
    groups = [_Steps(config, 1), _Steps(config, trials)]
    rounds = [[group.time() for group in groups] for _ in range(_ROUNDS)]
    alone, together = (min(times) for times in zip(*rounds, strict=True))
    return alone, together


class _Steps:
    """The first steps of trials with consecutive seeds."""

    def __init__(self, config: Mapping[str, Any], trials: int) -> None:
        self._trials = trials
        configs = [{**config, "seed": config["seed"] + number} for number in range(trials)]
        dtype = DTYPES[config["trainer"]["precision"]]
        loaders, modules = [], []
        for own in configs:
            data = build.datamodule(own)
            assert isinstance(data, InMemoryDataModule)
            loaders.append(data.train_dataloader())
            modules.append(build.classifier(own, data).to(dtype))
        self._batch = next(iter(FusedBatches(loaders)))
        self._classifier = FusedClassifier(modules, configs, 10 * _STEPS * _ROUNDS)
        self.time()  # the first steps allocate memory

    def time(self) -> float:
        """Return the CPU seconds of a step and trial."""
        outputs = self._classifier.start_epoch()
        start = time.process_time()
        for step in range(_STEPS):
            self._classifier.train_step(step, *self._batch, outputs)
        return (time.process_time() - start) / (_STEPS * self._trials)
