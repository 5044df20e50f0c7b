"""The LightningModule that trains and tests a network of any architecture."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, ReduceLROnPlateau

from ablab import streams
from ablab.components.regularizer.none import none
from ablab.components.regularizer.regularizer import Regularizer
from ablab.lightning import pl
from ablab.model.dropout_stream import DropoutStream
from ablab.model.epoch_metrics import (
    STEPS_BETWEEN_CHECKS,
    DivergedError,
    EpochMetrics,
    EpochOutputs,
)
from ablab.model.frozen_layers import trained_parameters
from ablab.model.mistakes import Mistakes
from ablab.model.objective import Objective, all_logits
from ablab.model.plain_state import PlainState, set_plain

_NEVER = 2**62
PLAIN = "plain_attributes"  # key in a checkpoint


class Classifier(pl.LightningModule):
    """Trains and tests a network that classifies images.

    Args:
        network: (N, C, H, W) -> logits (N, K); in training, optionally a tuple of them and
            auxiliary logits (see `Objective`).
        loss: (logits, target) -> scalar; target is (N,) class indices or (N, K) probabilities.
        optimizer: called with ``named_params``.
        scheduler: called with ``optimizer`` and ``total_steps``; stepped after each training step,
            ReduceLROnPlateau once an epoch, by ``val/loss``.
        num_classes: K.
        seed: the trial's seed.
        dropout_generator: the generator of dropout; reseeded at each step (see `DropoutStream`).
        regularizer: called with ``named_params``; its penalty is added to the cost, and it projects
            the weights after each step.

    Logs, once an epoch: ``train/loss``, ``train/accuracy``, ``val/loss``, ``val/accuracy``,
    ``lr`` (of the epoch's first step), and ``train/penalty`` if the regularizer has one; and
    ``test/loss``, ``test/accuracy``. A loss is that of the main logits, without penalty. Accuracy
    is a fraction of the images; where an augmentation mixes images, the class with the largest
    share is the target.

    The global generators of torch, Python and NumPy are seeded for each step of training (where
    anything may draw from them, see `DropoutStream`) and of evaluation, and restored after a
    Trainer has fitted or tested (not after an exception): a network that draws from them gives one
    result for one seed. Plain attributes that the network changes in training, such as a counter,
    are saved in its checkpoints (see `PlainState`).

    Attributes:
        predicted, target: (test_images,), class indices of the last test, this process's share.
        confidence: (test_images,), softmax probability of the predicted class in that test,
            float32; also where the loss compares no probabilities.
        mistakes: the most confident mistakes of that test.

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
        self._saved_generators: streams.GlobalState | None = None
        self._plain: PlainState | None = None
        self._trained, self._evaluated = EpochOutputs(), EpochOutputs()
        self.metrics = EpochMetrics(num_classes)
        self.predicted = self.target = torch.empty(0, dtype=torch.long)
        self.confidence, self.mistakes = torch.empty(0), Mistakes()
        self._confidences: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        """Return the main logits (N, K) of images (N, C, H, W)."""
        return all_logits(self.network(x))[0]

    def setup(self, stage: str) -> None:
        """Save the states of the global generators, and the network's plain attributes."""
        self._saved_generators = streams.GlobalState(self.trainer.strategy.root_device)
        if stage == "fit":
            self._plain = PlainState(self.network)

    def teardown(self, stage: str) -> None:
        """Restore the global generators."""
        if self._saved_generators is not None:
            self._saved_generators.restore()
            self._saved_generators = None

    def plain_attributes(self) -> dict[str, dict[str, Any]]:
        """Return the network's plain attributes that training has changed (see `PlainState`)."""
        return self._plain.changed() if self._plain else {}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the plain attributes that training has changed."""
        checkpoint[PLAIN] = self.plain_attributes()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore these attributes; older checkpoints have none."""
        set_plain(self.network, checkpoint.get(PLAIN, {}))

    def on_train_epoch_start(self) -> None:
        """Restart the random streams; switch the optimizer to training mode, if it has one."""
        self._set_optimizer_mode("train")
        processes = self.trainer.world_size
        self._dropout.start_epoch(self.current_epoch, self.global_rank, processes, self.device)
        self._trained = EpochOutputs()
        self._first_lr = self.trainer.optimizers[0].param_groups[0]["lr"]

    def training_step(self, batch: tuple[Tensor, Tensor], step: int) -> Tensor:
        """Return the cost of one batch.

        An optimizer that evaluates the cost several times in one step, such as LBFGS, sees the same
        dropout mask each time; only the first evaluation enters the metrics.
        """
        x, target = batch
        if self._dropout.seed_step(step):
            return self.objective(self.network, x, target).cost
        evaluation = self.objective(self.network, x, target)
        self._trained.add(evaluation.logits, target, evaluation.loss, evaluation.penalty)
        if step % STEPS_BETWEEN_CHECKS == STEPS_BETWEEN_CHECKS - 1:
            self._raise_if_diverged(step)
        return evaluation.cost

    def on_train_epoch_end(self) -> None:
        """Log ``train/loss`` and ``train/accuracy``, measured during the epoch, and ``lr``.

        ReduceLROnPlateau is stepped here, because the epoch's checkpoint, which is written after
        this hook, must contain the new state.
        """
        self._raise_if_diverged(len(self._trained.loss) - 1)
        self._log_metrics("train", self._trained)
        self.log("lr", self._first_lr, sync_dist=True)
        self._set_optimizer_mode("eval")
        scheduler = self.lr_schedulers()
        if isinstance(scheduler, ReduceLROnPlateau) and "val/loss" in self.trainer.callback_metrics:
            scheduler.step(self.trainer.callback_metrics["val/loss"])

    def on_validation_epoch_start(self) -> None:
        """Clear the outputs; switch the optimizer to evaluation mode, if it has one."""
        self._set_optimizer_mode("eval")
        self._evaluated = EpochOutputs()

    def validation_step(self, batch: tuple[Tensor, Tensor], step: int) -> None:
        """Record the outputs of one validation batch."""
        self._evaluate(batch, step)

    def on_validation_epoch_end(self) -> None:
        """Log ``val/loss`` and ``val/accuracy``."""
        self._log_metrics("val", self._evaluated)

    def on_test_epoch_start(self) -> None:
        """Clear the outputs."""
        self._evaluated, self._confidences, self.mistakes = EpochOutputs(), [], Mistakes()

    def test_step(self, batch: tuple[Tensor, Tensor], step: int) -> None:
        """Record the outputs of one test batch, the confidences, and the confident mistakes."""
        logits = self._evaluate(batch, step)
        confidence = logits.float().softmax(1).amax(1)
        self._confidences.append(confidence)
        target, predicted = self._evaluated.target[-1], self._evaluated.predicted[-1]
        self.mistakes.add(batch[0], target, predicted, confidence)

    def on_test_epoch_end(self) -> None:
        """Log ``test/loss`` and ``test/accuracy``; store this process's predictions and targets."""
        self.predicted = torch.cat(self._evaluated.predicted).cpu()
        self.target = torch.cat(self._evaluated.target).cpu()
        self.confidence = torch.cat(self._confidences).cpu()
        self._log_metrics("test", self._evaluated)

    def configure_optimizers(self) -> pl.utilities.types.OptimizerLRScheduler:
        """Return the optimizer, and the scheduler unless the learning rate is constant."""
        optimizer = self._optimizer(named_params=trained_parameters(self.network))
        total_steps = int(self.trainer.estimated_stepping_batches)
        scheduler = self._scheduler(optimizer=optimizer, total_steps=total_steps)
        if isinstance(scheduler, ConstantLR) and scheduler.factor == 1:
            return optimizer  # saves a scheduler step at each training step
        plateau = isinstance(scheduler, ReduceLROnPlateau)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {
                "scheduler": scheduler,
                "interval": "epoch" if plateau else "step",
                "frequency": _NEVER if plateau else 1,  # `on_train_epoch_end` steps it
                "monitor": "val/loss",
            },
        }

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Seed the update of a user's optimizer, which may draw, alike in all processes."""
        if type(optimizer).__module__.partition(".")[0] not in ("torch", "ablab"):
            self._dropout.seed_update()

    def optimizer_step(self, *arguments: Any, **named: Any) -> None:
        """Take a step, then project the weights onto the regularizer's constraint."""
        super().optimizer_step(*arguments, **named)
        self.regularizer.project()

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip gradients, also those of a fused optimizer.

        Lightning refuses to, since such a step may unscale gradients itself: in ``16-mixed``
        alone, where `ablab.config.combinations` refuses it before training.
        """
        algorithm = pl.utilities.GradClipAlgorithmType(gradient_clip_algorithm or "norm")
        if self.trainer.precision == "16-mixed":
            self.clip_gradients(optimizer, gradient_clip_val, algorithm)
        else:
            plugin = self.trainer.precision_plugin
            pl.plugins.Precision.clip_gradients(
                plugin, optimizer, gradient_clip_val or 0.0, algorithm
            )

    def _evaluate(self, batch: tuple[Tensor, Tensor], step: int) -> Tensor:
        """Record the outputs of one batch of validation or test, and return the logits (N, K)."""
        self._dropout.seed_evaluation(step, self.global_rank, self.device)
        x, target = batch
        # A single image is passed twice: norms of 1x1 maps, and `squeeze`, fail on a batch of one.
        logits: Tensor = self.network(x) if len(x) > 1 else self.network(torch.cat([x, x]))[:1]
        self._evaluated.add(logits, target, self.loss(logits, target))
        return logits

    def _set_optimizer_mode(self, mode: str) -> None:
        """Switch an optimizer that trains and tests different weights, such as ScheduleFree.

        Args:
            mode: ``"train"`` or ``"eval"``, the name of the optimizer's method.
        """
        for optimizer in self.trainer.optimizers:
            if hasattr(optimizer, mode):
                getattr(optimizer, mode)()

    def _raise_if_diverged(self, step: int) -> None:
        finite = self._trained.is_finite()
        if not self.trainer.strategy.reduce_boolean_decision(finite, all=True):
            raise DivergedError(self.current_epoch, step)

    def _log_metrics(self, stage: str, outputs: EpochOutputs) -> None:
        """Log the metrics of an epoch, over the images of all processes."""
        metrics = self.metrics.compute(outputs)
        self.log_dict({f"{stage}/{name}": v for name, v in metrics.items()}, sync_dist=True)
