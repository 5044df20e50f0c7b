"""Train one take to its completion record, in the process it is called in."""

import inspect
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytorch_lightning as pl
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from pytorch_lightning.strategies import DDPStrategy
from safetensors.torch import load_file
from torch.nn.parallel import DistributedDataParallel

from ablab.data.module import InMemoryDataModule
from ablab.tracking.completion import Completion, describe, write_completion
from ablab.tracking.journal import Entry, Journal
from ablab.tracking.lab import JOURNAL, TRIAL, Take
from ablab.tracking.records import ENVIRONMENT
from ablab.training import build, cost
from ablab.training.classifier import Classifier, DivergedError
from ablab.training.distributed import CpuBatchNormSync, gathered
from ablab.training.recorder import (
    BEST,
    CHECKPOINT,
    JournalLogger,
    Recorder,
    checkpoint_line,
    shortest,
)
from ablab.training.results import CONFIG, chosen, measured, write_tables

# Torch 2.13 gave the old word a warning.
_NEW_WORD = "forward_sync_buffers" in inspect.signature(DistributedDataParallel).parameters
_NO_BROADCASTS: dict[str, Any] = {
    "forward_sync_buffers" if _NEW_WORD else "broadcast_buffers": False
}


class StoppedError(Exception):
    """Training ended behind a checkpoint because it was asked to."""


class Training:
    """One attempt at a take.

    Args:
        take: the take; its lock is held by this process (or by rank 0's).
        journal: opened for writing, None in ranks above 0.
        devices: the ``devices`` group: accelerator, devices, strategy.
        callbacks: further Lightning callbacks, such as a progress display.
    """

    def __init__(
        self,
        take: Take,
        journal: Journal | None,
        devices: Mapping[str, Any],
        callbacks: Sequence[pl.Callback] = (),
    ) -> None:
        self.take, self.journal = take, journal
        self.config: Mapping[str, Any] = take.trial["config"]
        self.recorder = Recorder(take, JournalLogger(take, journal))
        self._devices, self._callbacks = devices, callbacks

    def run(self) -> str:
        """Train what is left, test, and write the completion record.

        Returns:
            The outcome, ``finished`` or ``diverged``.

        Raises:
            StoppedError: it was asked to stop and did so behind a checkpoint.
        """
        data = build.datamodule(self.config)
        trainer = self._trainer()
        module = build.classifier(self.config, data, trainer.strategy.root_device)
        diverged = self._fit(trainer, module, data)
        return self._finish(module, data, diverged)

    def _fit(self, trainer: pl.Trainer, module: Classifier, data: InMemoryDataModule) -> bool:
        """Train from the checkpoint on, and tell whether the loss diverged."""
        checkpoint = self.take.folder / CHECKPOINT
        line = checkpoint_line(checkpoint)
        if line is not None:
            self.recorder.logger.write(line)
        try:
            trainer.fit(
                module, data, ckpt_path=str(checkpoint) if line else None, weights_only=True
            )
        except DivergedError as error:
            note = {"step": error.step, "reason": str(error)}
            self.recorder.logger.write(Entry("diverged", time.time(), error.epoch, note=note))
            return True
        if trainer.current_epoch < self.config["trainer"]["max_epochs"]:
            raise StoppedError
        return False

    def _finish(self, module: Classifier, data: InMemoryDataModule, diverged: bool) -> str:
        start = time.perf_counter()
        metrics: dict[str, float] = {}
        if not diverged:
            last = self._test(module, data)
            metrics = {f"{name}_last": value for name, value in last.items()}
            metrics.update(last)
        best = self.take.folder / BEST
        if self.recorder.best_epoch >= 0 and not best.is_file():
            raise FileNotFoundError(f"{best} must be there to test and keep, got none")
        if self.recorder.best_epoch not in (-1, self.config["trainer"]["max_epochs"] - 1):
            module.network.load_state_dict(load_file(best))
            metrics.update(self._test(module, data))
        outcome = "diverged" if diverged else "finished"
        classes = gathered(module.predicted), gathered(module.target)
        if self.journal is not None:
            tables = write_tables(self.take.folder, *classes, data.class_names)
            facts = self._facts(module, data)
            self._complete(outcome, metrics, time.perf_counter() - start, facts, tables)
        return outcome

    def _test(self, module: Classifier, data: InMemoryDataModule) -> dict[str, float]:
        results = self._trainer().test(module, datamodule=data, verbose=False)
        return {name: shortest(value) for name, value in results[0].items()}

    def _complete(
        self,
        outcome: str,
        metrics: dict[str, float],
        test_seconds: float,
        facts: dict[str, Any],
        tables: list[str],
    ) -> None:
        """Write the completion record; nothing may follow it."""
        assert self.journal is not None
        folder = self.take.folder
        epochs = [e for e in self.journal.entries if e.kind == "epoch"]
        completion = Completion(
            key=self.take.key,
            take=self.take.number,
            outcome=outcome,
            time=time.time(),
            metrics={**metrics, **chosen(epochs)},
            measured=measured(epochs, test_seconds),
            facts=facts,
            artifacts=describe(folder, [TRIAL, JOURNAL, ENVIRONMENT, BEST, CONFIG, *tables]),
        )
        write_completion(folder, completion)

    @staticmethod
    def _facts(module: Classifier, data: InMemoryDataModule) -> dict[str, Any]:
        parameters, flops = cost.size(module.network, data)
        return {"parameters": parameters, "flops": flops, **data.counts()}

    def _trainer(self) -> pl.Trainer:
        trainer = self.config["trainer"]
        return pl.Trainer(
            accelerator=self._devices["accelerator"],
            devices=self._devices["devices"],
            strategy=self._strategy(),
            max_epochs=trainer["max_epochs"],
            precision=trainer["precision"],
            gradient_clip_val=trainer["gradient_clip_val"],
            callbacks=[*self._callbacks, self.recorder],
            logger=self.recorder.logger,
            plugins=self._plugins(),
            sync_batchnorm=self._is_ddp and self._devices["accelerator"] != "cpu",
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
            log_every_n_steps=0,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=self.take.folder,
        )

    @property
    def _is_ddp(self) -> bool:
        return bool(self._devices["strategy"] == "ddp")

    def _strategy(self) -> DDPStrategy | str:
        # No broadcasts of buffers: batch norm is synchronised, and the ranks may have different
        # numbers of validation batches.
        return DDPStrategy(**_NO_BROADCASTS) if self._is_ddp else "auto"

    def _plugins(self) -> list[Any]:
        """Return the plugins: one process is one process, also inside a SLURM job."""
        if not self._is_ddp:
            return [LightningEnvironment()]
        return [CpuBatchNormSync()] if self._devices["accelerator"] == "cpu" else []
