"""A real step on the CPU where its arithmetic is not float32's: not every operation has another."""

from collections.abc import Mapping
from typing import Any, Literal

import torch
from pytorch_lightning.plugins.precision import (
    DoublePrecision,
    HalfPrecision,
    MixedPrecision,
    Precision,
)

from ablab.config.dry_run import CPU, blaming, blank
from ablab.config.dry_step import dry_targets
from ablab.config.preflight import device_type
from ablab.data.trial_data import TrialData
from ablab.model import build

_MOST_WEIGHTS = 12_000_000  # a larger network takes longer than a check may


def try_precision(config: Mapping[str, Any], data: TrialData, num_weights: int) -> None:
    """Take two blank images through a step and an evaluation in the trial's precision.

    Nothing is done for ``32-true``, on a GPU, or for a network of more than twelve million
    weights.

    Raises:
        InputError: an operation lacks this precision.
    """
    precision = config["trainer"]["precision"]
    on_cpu = device_type(config["devices"]) == "cpu"
    if not on_cpu or precision == "32-true" or num_weights > _MOST_WEIGHTS:
        return
    plugin, target = _plugin(precision), dry_targets(config, data)
    with torch.random.fork_rng(devices=[]):
        module = build.classifier(config, data)
        plugin.convert_module(module)
        images = plugin.convert_input(blank(data))
        target = plugin.convert_input(target)
        rule = "trainer.precision must be one that these parts have, got {precision}: {error}"
        with blaming(rule, CPU, precision=precision):
            with plugin.forward_context():
                cost = module.objective(module.network.train(), images, target).cost
            torch.autograd.backward(cost)
            with plugin.forward_context(), torch.no_grad():
                module.network.eval()(images)


def _plugin(precision: Literal["64-true", "bf16-true", "bf16-mixed"]) -> Precision:
    if precision == "64-true":
        return DoublePrecision()
    if precision == "bf16-mixed":
        return MixedPrecision(precision, "cpu")
    return HalfPrecision(precision)
