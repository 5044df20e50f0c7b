"""The one LightningModule: it carries any architecture."""

import inspect
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.precision import Precision
from pytorch_lightning.utilities import GradClipAlgorithmType
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, ReduceLROnPlateau

from ablab import streams
from ablab.components.regularizer.none import none
from ablab.components.regularizer.regularizer import Regularizer
from ablab.model.dropout_stream import DropoutStream
from ablab.model.epoch_metrics import STEPS_BETWEEN_LOOKS, EpochMetrics, EpochOutputs
from ablab.model.frozen_layers import trained_parameters
from ablab.model.objective import Objective, all_logits
from ablab.model.plain_state import PlainState, set_plain

_NEVER = 2**62
_PLAIN = "plain_attributes"  # in a checkpoint


class DivergedError(ArithmeticError):
    """The loss is NaN or infinite.

    Attributes:
        epoch: in which epoch, from 0.
        step: at which step of it at the latest, from 0.
    """

    def __init__(self, epoch: int, step: int) -> None:
        self.epoch, self.step = epoch, step
        super().__init__(f"the loss was NaN or infinite by step {step} of epoch {epoch}")


class Classifier(pl.LightningModule):
    """Trains and measures a network that tells classes.

    Args:
        network: (N, C, H, W) -> logits (N, K); in training also a tuple, which begins with them
            and goes on with auxiliary logits (see `Objective`).
        loss: (logits, target) -> scalar, target (N,) class indices or (N, K) probabilities.
        optimizer: called with ``named_params``.
        scheduler: called with ``optimizer`` and ``total_steps``; stepped once a step, but
            ReduceLROnPlateau once an epoch, by ``val/loss``.
        num_classes: K.
        seed: the trial's.
        dropout_generator: what dropout draws from; restarted each step (see `DropoutStream`).
        regularizer: called with ``named_params``; its penalty is in the cost, and it projects
            after each step.

    Logs, once an epoch: ``train/loss``, ``train/accuracy``, ``val/loss``, ``val/accuracy``,
    ``lr`` (at the epoch's first step), and ``train/penalty`` where the regularizer has one; and
    ``test/loss``, ``test/accuracy``. A loss is that of the main logits, without penalty. Accuracy
    is a fraction of the images; where an augmentation mixes images, the class with the largest
    share counts as right.

    The global generators of torch, Python and NumPy are seeded for each step, of training (where
    anything may draw from them, see `DropoutStream`) and of evaluation, and restored when a Trainer
    has fitted or tested (not behind an exception): a network that draws from them gives one result
    for one seed. A plain attribute that it changes in training, such as a counter, is in its
    checkpoints as far as it is plain (see `PlainState`).

    Attributes:
        predicted, target: (test_images,), class indices of the last test, this process's share.

    Raises:
        DivergedError: in training, the loss is NaN or infinite.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        loss: Callable[[Tensor, Tensor], Tensor],
        optimizer: Callable[..., torch.optim.Optimizer],
        scheduler: Callable[..., LRScheduler],
        num_classes: int,
        seed: int = 0,
        dropout_generator: torch.Generator | None = None,
        regularizer: Callable[..., Regularizer] = none,
    ) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.loss = loss
        self.regularizer = regularizer(named_params=trained_parameters(self.network))
        self.objective = Objective(loss, self.regularizer)
        self.seed = seed
        self.dropout_generator = dropout_generator
        self._optimizer, self._scheduler = optimizer, scheduler
        self._first_lr = 0.0
        self._dropout = DropoutStream(seed, dropout_generator)
        self._outside: streams.GlobalState | None = None
        self._plain: PlainState | None = None
        self._trained, self._evaluated = EpochOutputs(), EpochOutputs()
        self.metrics = EpochMetrics(num_classes)
        self.predicted = self.target = torch.empty(0, dtype=torch.long)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; quickly the one that Lightning sets some 46 times a step."""
        if name == "_current_fx_name":  # torch would look each time whether it is a parameter
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)

    def forward(self, x: Tensor) -> Tensor:
        """Return the main logits (N, K) of images (N, C, H, W)."""
        return all_logits(self.network(x))[0]

    def setup(self, stage: str) -> None:
        """Keep the global generators' states, which are others' outside of a trial."""
        self._outside = streams.GlobalState(self.trainer.strategy.root_device)
        if stage == "fit":
            self._plain = PlainState(self.network)

    def teardown(self, stage: str) -> None:
        """Put the global generators back where they were."""
        if self._outside is not None:
            self._outside.restore()
            self._outside = None

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what training has changed beside parameters and buffers (see `PlainState`)."""
        checkpoint[_PLAIN] = self._plain.changed() if self._plain else {}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Set it again; a checkpoint from before there was such has none."""
        set_plain(self.network, checkpoint.get(_PLAIN, {}))

    def on_train_epoch_start(self) -> None:
        """Restart the streams at this epoch; take the weights that are trained."""
        self._switch("train")
        processes = self.trainer.world_size
        self._dropout.restart(self.current_epoch, self.global_rank, processes, self.device)
        self._trained = EpochOutputs()
        self._first_lr = self.trainer.optimizers[0].param_groups[0]["lr"]

    def training_step(self, batch: tuple[Tensor, Tensor], step: int) -> Tensor:
        """Return the cost of one batch.

        An optimizer that asks for it again within one step, such as LBFGS, gets that of the same
        dropout, and the batch is tallied once.
        """
        x, target = batch
        if self._dropout.begin(step):
            return self.objective(self.network, x, target).cost
        found = self.objective(self.network, x, target)
        self._trained.add(found.logits, target, found.loss, found.penalty)
        if step % STEPS_BETWEEN_LOOKS == STEPS_BETWEEN_LOOKS - 1:
            self._stop_where_diverged(step)
        return found.cost

    def on_train_epoch_end(self) -> None:
        """Log ``train/loss`` and ``train/accuracy``, as they were on the way, and ``lr``.

        A scheduler that watches ``val/loss`` is asked here: the epoch's checkpoint, which is made
        behind this, must hold what it says.
        """
        self._stop_where_diverged(len(self._trained.loss) - 1)
        self._sum_up("train", self._trained)
        self.log("lr", self._first_lr, sync_dist=True)
        self._switch("eval")
        scheduler = self.lr_schedulers()
        if isinstance(scheduler, ReduceLROnPlateau) and "val/loss" in self.trainer.callback_metrics:
            scheduler.step(self.trainer.callback_metrics["val/loss"])

    def on_validation_epoch_start(self) -> None:
        """Begin the validation's tally, with the weights that are tested."""
        self._switch("eval")
        self._evaluated = EpochOutputs()

    def validation_step(self, batch: tuple[Tensor, Tensor], step: int) -> None:
        """Tally one validation batch."""
        self._evaluate(batch, step)

    def on_validation_epoch_end(self) -> None:
        """Log ``val/loss`` and ``val/accuracy``."""
        self._sum_up("val", self._evaluated)

    def on_test_epoch_start(self) -> None:
        """Begin the test's tally."""
        self._evaluated = EpochOutputs()

    def test_step(self, batch: tuple[Tensor, Tensor], step: int) -> None:
        """Tally one test batch."""
        self._evaluate(batch, step)

    def on_test_epoch_end(self) -> None:
        """Log ``test/loss`` and ``test/accuracy``; keep classes, this process's share of them."""
        self.predicted = torch.cat(self._evaluated.predicted).cpu()
        self.target = torch.cat(self._evaluated.target).cpu()
        self._sum_up("test", self._evaluated)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return the optimizer, and the scheduler of its every step unless it changes nothing."""
        optimizer = self._optimizer(named_params=trained_parameters(self.network))
        total_steps = int(self.trainer.estimated_stepping_batches)
        scheduler = self._scheduler(optimizer=optimizer, total_steps=total_steps)
        if isinstance(scheduler, ConstantLR) and scheduler.factor == 1:
            return optimizer  # nothing changes, and a step is the cheaper
        plateau = isinstance(scheduler, ReduceLROnPlateau)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {
                "scheduler": scheduler,
                "interval": "epoch" if plateau else "step",
                "frequency": _NEVER if plateau else 1,  # `on_train_epoch_end` asks it
                "monitor": "val/loss",
            },
        }

    def optimizer_zero_grad(
        self, epoch: int, batch_idx: int, optimizer: torch.optim.Optimizer
    ) -> None:
        """Drop the gradients; torch's own way to do so asks its compiler each time."""
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Let a user's optimizer, which may draw, do so alike in all processes."""
        if type(optimizer).__module__.partition(".")[0] not in ("torch", "ablab"):
            self._dropout.begin_update()

    def optimizer_step(self, *arguments: Any, **named: Any) -> None:
        """Take a step, and put the weights back to where the regularizer lets them be."""
        super().optimizer_step(*arguments, **named)
        self.regularizer.project()

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip gradients, those of a fused optimizer too.

        Lightning refuses to, since such a step may unscale gradients itself: in ``16-mixed``
        alone, where `ablab.config.rules` refuses it before training.
        """
        algorithm = GradClipAlgorithmType(gradient_clip_algorithm or "norm")
        if self.trainer.precision == "16-mixed":
            self.clip_gradients(optimizer, gradient_clip_val, algorithm)
        else:
            plugin = self.trainer.precision_plugin
            Precision.clip_gradients(plugin, optimizer, gradient_clip_val or 0.0, algorithm)

    def _switch(self, mode: str) -> None:
        """Let an optimizer that tests other weights than it trains put the named ones in place.

        Args:
            mode: ``"train"`` or ``"eval"``, the method that such an optimizer has.
        """
        for optimizer in self.trainer.optimizers:
            if hasattr(optimizer, mode):
                getattr(optimizer, mode)()

    def _evaluate(self, batch: tuple[Tensor, Tensor], step: int) -> None:
        self._dropout.begin_evaluation(step, self.global_rank, self.device)
        x, target = batch
        # Twice where it is alone: norms of maps of one pixel, and `squeeze`, need a second image.
        logits = self.network(x) if len(x) > 1 else self.network(torch.cat([x, x]))[:1]
        self._evaluated.add(logits, target, self.loss(logits, target))

    def _stop_where_diverged(self, step: int) -> None:
        finite = self._trained.is_finite()
        if not self.trainer.strategy.reduce_boolean_decision(finite, all=True):
            raise DivergedError(self.current_epoch, step)

    def _sum_up(self, stage: str, outputs: EpochOutputs) -> None:
        """Log what the tally saw, in all processes together."""
        metrics = self.metrics.of(outputs)
        self.log_dict({f"{stage}/{name}": v for name, v in metrics.items()}, sync_dist=True)


# Lightning asks for it at each step, and Python would find it out anew each time.
Classifier.training_step.__signature__ = inspect.signature(Classifier.training_step)  # type: ignore[attr-defined]
