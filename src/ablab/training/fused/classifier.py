"""The classifiers of several trials as one: a training step and an evaluation of all of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ablab.model.classifier import Classifier
from ablab.model.dropout_stream import DropoutStream
from ablab.model.fused.network import FusedNetwork
from ablab.model.fused.objective import FusedObjective
from ablab.model.fused.outputs import FusedOutputs
from ablab.model.objective import all_logits
from ablab.training.fused.update import GroupUpdate, State


class FusedClassifier:
    """Trains and evaluates the classifiers of T trials, which differ in weights and scalars.

    The classifiers' own networks keep the weights and statistics: they may be tested, stored, and
    put together with others at any time.

    Args:
        modules: of each trial, on one device and of one floating-point type.
        configs: of each.
        total_steps: of a trial.
        epochs: the next epoch of each; by default 0.
        states: of the optimizers of each, None for a trial that starts.
    """

    def __init__(
        self,
        modules: Sequence[Classifier],
        configs: Sequence[Mapping[str, Any]],
        total_steps: int,
        epochs: Sequence[int] | None = None,
        states: Sequence[State | None] | None = None,
    ) -> None:
        self._modules, trials = list(modules), len(modules)
        self._epochs = list(epochs or [0] * trials)
        self._network = FusedNetwork([module.network for module in modules])
        objectives = [module.objective for module in modules]
        self._objective = FusedObjective(objectives, self._network.networks)
        given = states or [None] * trials
        self.update = GroupUpdate(self._network, configs, self._epochs, total_steps, given)
        self._streams = [DropoutStream(module.seed, module.dropout_generator) for module in modules]
        self._dtype = self._network.weights.dtype

    def start_epoch(self) -> FusedOutputs:
        """Restart the random streams, and return an object for the outputs of the epoch."""
        self.update.set_mode("train")
        self._network.train()
        device = self._network.weights.device
        for stream, epoch in zip(self._streams, self._epochs, strict=True):
            stream.start_epoch(epoch, 0, 1, device)
        return FusedOutputs(len(self._modules))

    def train_step(self, step: int, x: Tensor, target: Tensor, outputs: FusedOutputs) -> None:
        """Train one step of the epoch.

        Args:
            step: its number, from 0.
            x: the images of all trials, (T * N, C, H, W), trial by trial.
            target: (T * N,) class indices or (T * N, K) probabilities.
            outputs: the step's are added.
        """
        for stream in self._streams:
            stream.seed_step(step)
        evaluation = self._objective(self._network(x.to(self._dtype)), target)
        outputs.add(evaluation.logits, target, evaluation.losses, evaluation.penalties)
        # A trial's cost has a gradient in its own weights alone: if it is NaN, so are only these.
        torch.autograd.backward(evaluation.costs, torch.ones_like(evaluation.costs))
        self._network.gather_gradients()
        self.update.step()
        for module in self._modules:
            module.regularizer.project()

    def end_epoch(self) -> FusedOutputs:
        """Switch to evaluation, and return an object for the outputs of a validation."""
        self.update.set_mode("eval")
        self._network.eval()
        self._epochs = [epoch + 1 for epoch in self._epochs]
        return FusedOutputs(len(self._modules))

    @torch.no_grad()
    def evaluate(self, x: Tensor, target: Tensor, outputs: FusedOutputs) -> None:
        """Evaluate one batch, of which the outputs are added; see `train_step`."""
        images = x.to(self._dtype)
        if len(x) == len(self._modules):  # a single image is passed twice, as in `Classifier`
            logits = all_logits(self._network(images.repeat_interleave(2, 0)))[0][::2]
        else:
            logits = all_logits(self._network(images))[0]
        outputs.add(logits, target, self._objective.losses(logits, target))
