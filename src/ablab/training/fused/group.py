"""The training loop of trials that train together, each as if it trained alone.

A loop of its own rather than Lightning's Trainer, which has one network, one loader, one
checkpoint and one epoch counter, and adds 330 us to each step.
"""

import time
from collections.abc import Callable, Sequence

import torch

from ablab.data.fused_batches import FusedBatches
from ablab.model.epoch_metrics import STEPS_BETWEEN_CHECKS, DivergedError
from ablab.model.fused.outputs import FusedOutputs
from ablab.tracking.journal import Entry
from ablab.training.fused.classifier import FusedClassifier
from ablab.training.fused.member import Member
from ablab.training.fused.update import shared_settings
from ablab.training.recorder import measure_epoch, to_short_float
from ablab.training.run import StoppedError


class Group:
    """Trains trials that differ in seed and scalars, and finishes each.

    Args:
        members: the trials; they may be at different epochs.
        finish: tests and completes a trial, which has diverged or not.
        stop_requested: returns whether to stop after the epoch.
    """

    def __init__(
        self,
        members: Sequence[Member],
        finish: Callable[[Member, bool], None],
        stop_requested: Callable[[], bool] = lambda: False,
    ) -> None:
        self._members = sorted(members, key=lambda m: shared_settings(m.config, m.epoch))
        self._finish, self._stop_requested = finish, stop_requested
        self._diverged: list[Member] = []

    def fit(self) -> None:
        """Train and finish all trials.

        Raises:
            StoppedError: training stopped after an epoch, on request.
        """
        self._finish_trained()
        while self._members:
            fused = self._build()
            while not self._finish_trained():
                self._train_epoch(fused)
                if self._stop_requested():
                    raise StoppedError

    def _build(self) -> FusedClassifier:
        """Return the classifiers of the present members as one."""
        return FusedClassifier(
            [member.module for member in self._members],
            [member.config for member in self._members],
            self._members[0].total_steps,
            [member.epoch for member in self._members],
            [member.state for member in self._members],
        )

    def _finish_trained(self) -> bool:
        """Finish the trials that have no epoch left, and return whether there were any."""
        leaving = [m for m in self._members if m.is_trained or m in self._diverged]
        self._members = [m for m in self._members if m not in leaving]
        for member in leaving:
            self._finish(member, member in self._diverged)
        return bool(leaving)

    def _train_epoch(self, fused: FusedClassifier) -> None:
        """Train an epoch of each trial, validate, and record it."""
        members, lrs = self._members, fused.update.lrs
        times, cpu = [self._clock()], [time.process_time()]
        trained = self._train_steps(fused)
        times.append(self._clock())
        cpu.append(time.process_time())
        validated = fused.end_epoch()
        if len(self._diverged) == len(members):
            return
        for x, target in FusedBatches([member.val_batches for member in members]):
            fused.evaluate(x, target, validated)
        times.append(self._clock())
        # Of each trial, its share of the process's time: the sum over trials is the time that
        # passed.
        training, validation, cpu_time = (
            (later - earlier) / len(members)
            for earlier, later in ((times[0], times[1]), (times[1], times[2]), cpu)
        )
        is_on_cpu = members[0].module.device.type == "cpu"
        outputs = zip(trained.by_trial(), validated.by_trial(), lrs, strict=True)
        metrics = [
            {**m.metrics("train", first), **m.metrics("val", second), "lr": to_short_float(lr)}
            for m, (first, second, lr) in zip(members, outputs, strict=True)
        ]
        fused.update.end_epoch([values["val/loss"] for values in metrics])
        for number, member in enumerate(members):
            if member not in self._diverged:
                measured = measure_epoch(
                    member.images, training, validation, cpu_time if is_on_cpu else None
                )
                entry = Entry("epoch", time.time(), member.epoch, metrics[number], measured)
                member.record(entry, fused.update.state_of(number))

    def _train_steps(self, fused: FusedClassifier) -> FusedOutputs:
        """Train the steps of an epoch and return their outputs."""
        for member in self._members:
            member.batches.sampler.set_epoch(member.epoch)  # type: ignore[union-attr]
        outputs = fused.start_epoch()
        batches = FusedBatches([member.batches for member in self._members])
        for step, (x, target) in enumerate(batches):
            fused.train_step(step, x, target, outputs)
            is_last = step == len(batches) - 1
            if is_last or step % STEPS_BETWEEN_CHECKS == STEPS_BETWEEN_CHECKS - 1:
                self._record_divergence(step, outputs)
        return outputs

    def _record_divergence(self, step: int, outputs: FusedOutputs) -> None:
        """Record which trials have diverged by a step; they stay until the epoch ends."""
        for member, is_finite in zip(self._members, outputs.are_finite(), strict=True):
            if not is_finite and member not in self._diverged:
                self._diverged.append(member)
                member.training.record_divergence(DivergedError(member.epoch, step))

    def _clock(self) -> float:
        if self._members[0].module.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()
