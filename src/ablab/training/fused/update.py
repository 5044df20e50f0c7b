"""The optimizers of trials that train together: each trial's own, on one vector of its weights."""

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import ConstantLR, ReduceLROnPlateau

from ablab.model.builder import Builder
from ablab.model.fused.network import FusedNetwork
from ablab.training.direct_update import DirectUpdate

State = Mapping[str, Any]  # of the optimizer and scheduler of one trial


class _Update:
    """One optimizer and its scheduler, of trials that are at one step and have equal settings.

    Args:
        config: of these trials.
        weights: (n, P), their rows.
        gradients: (n, P).
        total_steps: of a trial.
        states: of each, to continue from; None at the first step.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        weights: Tensor,
        gradients: Tensor,
        total_steps: int,
        states: Sequence[State | None],
    ) -> None:
        self._parameter = nn.Parameter(weights)
        self._parameter.grad = gradients
        named = [("weights", self._parameter)]
        self.optimizer: torch.optim.Optimizer = Builder("optimizer", config["optimizer"])(
            named_params=named
        )
        self.scheduler: Any = Builder("scheduler", config["scheduler"])(
            optimizer=self.optimizer, total_steps=total_steps
        )
        self.is_constant = isinstance(self.scheduler, ConstantLR) and self.scheduler.factor == 1
        self._max_norm = config["trainer"]["gradient_clip_val"]
        self._kernel: DirectUpdate | None = None
        self._is_first = True
        given = [state for state in states if state is not None]
        if given:
            self._load(given)

    @property
    def lr(self) -> float:
        """The learning rate of the next step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def step(self) -> None:
        """Clip the gradients, update the weights, and step a scheduler of steps."""
        if self._max_norm is not None:
            gradients = self._parameter.grad
            assert gradients is not None
            norms = torch.linalg.vector_norm(gradients, dim=1, keepdim=True)
            gradients.mul_((self._max_norm / (norms + 1e-6)).clamp(max=1.0))  # as torch does
        if self._kernel is None or not self._kernel.step():
            self.optimizer.step()
        if self._is_first:  # it has a state now
            self._kernel, self._is_first = DirectUpdate.of(self.optimizer), False
        if not (self.is_constant or isinstance(self.scheduler, ReduceLROnPlateau)):
            self.scheduler.step()

    def state_of(self, position: int) -> State:
        """Return the state of the trial at a position, its tensors copied."""
        content = self.optimizer.state_dict()
        shape = self._parameter.shape

        def own(value: Any) -> Any:
            if not isinstance(value, Tensor):
                return value
            is_of_weights = value.shape == shape
            return (value[position : position + 1] if is_of_weights else value).clone()

        state = {name: own(v) for name, v in content["state"].get(0, {}).items()}
        optimizer = {**content, "state": {0: state} if state else {}}
        return {"optimizer": optimizer, "scheduler": self.scheduler.state_dict()}

    def _load(self, states: Sequence[State]) -> None:
        """Continue from the states of all trials, which are equal but for their weights' rows."""
        optimizers = [state["optimizer"] for state in states]
        rows = [content["state"].get(0, {}) for content in optimizers]
        width = self._parameter.shape[1]
        merged = {
            name: torch.cat([F.pad(row[name], (0, width - row[name].shape[1])) for row in rows])
            if isinstance(value, Tensor) and value.ndim == 2
            else value
            for name, value in rows[0].items()
        }
        state = {0: merged} if merged else {}
        self.optimizer.load_state_dict({**optimizers[0], "state": state})
        self.scheduler.load_state_dict(states[0]["scheduler"])


class GroupUpdate:
    """Updates the weights of T trials.

    Neighboring trials of equal settings at one epoch share an optimizer: it is called once.

    Args:
        network: of the trials.
        configs: of each.
        epochs: the next epoch of each.
        total_steps: of a trial.
        states: of each, None for one that starts.
    """

    def __init__(
        self,
        network: FusedNetwork,
        configs: Sequence[Mapping[str, Any]],
        epochs: Sequence[int],
        total_steps: int,
        states: Sequence[State | None],
    ) -> None:
        self._place: list[tuple[_Update, int]] = []  # of each trial, and its position there
        keys = [_key(*each) for each in zip(configs, epochs, range(len(epochs)), strict=True)]
        for _, group in groupby(range(len(keys)), keys.__getitem__):
            trials = list(group)
            rows = slice(trials[0], trials[-1] + 1)
            update = _Update(
                configs[trials[0]],
                network.weights[rows],
                network.gradients[rows],
                total_steps,
                states[rows],
            )
            self._place += [(update, position) for position in range(len(trials))]
        self._updates = list(dict.fromkeys(update for update, _ in self._place))

    @property
    def lrs(self) -> list[float]:
        """The learning rate of each trial's next step."""
        return [update.lr for update, _ in self._place]

    def step(self) -> None:
        """Update the weights by the network's ``gradients``."""
        for update in self._updates:
            update.step()

    def set_mode(self, mode: str) -> None:
        """Switch optimizers that train and test different weights, such as ScheduleFree.

        Args:
            mode: ``"train"`` or ``"eval"``, the name of the optimizer's method.
        """
        for update in self._updates:
            if hasattr(update.optimizer, mode):
                getattr(update.optimizer, mode)()

    def end_epoch(self, losses: Sequence[float]) -> None:
        """Step the schedulers of epochs, by the validation loss of each trial."""
        for (update, _), loss in zip(self._place, losses, strict=True):
            if isinstance(update.scheduler, ReduceLROnPlateau):
                update.scheduler.step(loss)

    def state_of(self, trial: int) -> State:
        """Return the state of a trial's optimizer and scheduler, for its checkpoint."""
        update, position = self._place[trial]
        return update.state_of(position)


def shared_settings(config: Mapping[str, Any], epoch: int) -> str:
    """Return what neighboring trials that share an optimizer have in common.

    Args:
        config: of a trial.
        epoch: its next epoch.
    """
    groups = {name: config[name] for name in ("optimizer", "scheduler")}
    return json.dumps([groups, epoch], sort_keys=True)


def _key(config: Mapping[str, Any], epoch: int, trial: int) -> tuple[str, int]:
    """Return a key of the trials with one optimizer; its own if the scheduler needs its loss."""
    on_own_loss = "ReduceLROnPlateau" in config["scheduler"]["_target_"]
    return shared_settings(config, epoch), trial if on_own_loss else -1
