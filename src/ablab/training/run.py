"""Training of one run to its completion record, in the current process."""

import sys
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from ablab.config.probe_switches import switched_on
from ablab.data.trial_data import TrialData
from ablab.lightning import pl
from ablab.model import build
from ablab.model.classifier import Classifier
from ablab.model.epoch_metrics import DivergedError
from ablab.model.frozen_layers import FrozenStatistics
from ablab.model.warm_start import init_from_note
from ablab.tracking.checkpoints import delete_checkpoint
from ablab.tracking.completion import Completion, describe, write_completion
from ablab.tracking.journal import Entry, Journal
from ablab.tracking.probes import PROBES
from ablab.tracking.records import BEST, PLAIN_ATTRIBUTES
from ablab.tracking.run import CHECKPOINT, ENVIRONMENT, JOURNAL, TRIAL, Run
from ablab.training import cost
from ablab.training.cuda_graph import CudaGraph
from ablab.training.picture_data import gather_test, write_picture_data
from ablab.training.probes.callback import Probes
from ablab.training.recorder import (
    JournalLogger,
    Recorder,
    checkpoint_line,
)
from ablab.training.results import (
    CONFIG,
    best_epoch_metrics,
    summarize_measurements,
    write_plain_attributes,
    write_tables,
)
from ablab.training.settings import Devices
from ablab.training.testing import run_tests
from ablab.training.trainer import trainer


class StoppedError(Exception):
    """Training stopped after a checkpoint, on request."""


class Training:
    """Trains, tests and records a run in one process; resumes from its checkpoint.

    Args:
        run: the run; this process or rank 0 holds its lock.
        journal: opened for writing; None in ranks above 0.
        devices: the accelerator and the number of processes.
        callbacks: further Lightning callbacks, such as a progress display.
    """

    def __init__(
        self,
        run: Run,
        journal: Journal | None,
        devices: Devices,
        callbacks: Sequence[pl.Callback] = (),
    ) -> None:
        self.run, self.journal = run, journal
        self.config: Mapping[str, Any] = run.trial["config"]
        self.recorder = Recorder(run, JournalLogger(run, journal))
        self._devices = devices
        self._callbacks = [*callbacks, *self._configured_callbacks()]

    @cached_property
    def data(self) -> TrialData:
        """The trial's data, loaded at first use."""
        return build.datamodule(self.config)

    def fit(self) -> str:
        """Train the remaining epochs, test, and write the completion record.

        Returns:
            The outcome, ``finished`` or ``diverged``.

        Raises:
            StoppedError: training stopped after a checkpoint, on request.
        """
        fitter = self.trainer()
        module = self.build(fitter.strategy.root_device)
        diverged = self._fit(fitter, module)
        return self.finish(module, diverged)

    def build(self, device: torch.device) -> Classifier:
        """Return the module with its initial weights, and print notes to the run's log."""
        if self.journal is not None:
            sys.stdout.writelines(f"{note}\n" for note in self.data.notes)
        module = build.classifier(self.config, self.data, device)
        if (note := init_from_note(module.network, self.config)) and self.journal is not None:
            sys.stdout.write(f"{note}\n")
        return module

    def resume(self) -> Path | None:
        """Return the checkpoint to continue from, whose line the journal then has; None without.

        A journal that lost more than its last line belongs to no checkpoint: the trial starts anew.
        """
        checkpoint = self.run.folder / CHECKPOINT
        line = checkpoint_line(checkpoint)
        recorded = {e.epoch for e in self.run.entries() if e.kind == "epoch"}
        if line is None or (line.epoch or 0) > len(recorded):
            return None
        self.recorder.logger.write(line)
        return checkpoint

    def record_divergence(self, error: DivergedError) -> None:
        """Write to the journal that the loss diverged."""
        note = {"step": error.step, "reason": str(error)}
        self.recorder.logger.write(Entry("diverged", time.time(), error.epoch, note=note))

    def _fit(self, fitter: pl.Trainer, module: Classifier) -> bool:
        """Train from the last checkpoint, and return whether the loss diverged."""
        checkpoint = self.resume()
        try:
            path = str(checkpoint) if checkpoint else None
            fitter.fit(module, self.data, ckpt_path=path, weights_only=True)
        except DivergedError as error:
            self.record_divergence(error)
            return True
        if fitter.current_epoch < self.config["trainer"]["max_epochs"]:
            raise StoppedError
        return False

    def finish(self, module: Classifier, diverged: bool) -> str:
        """Test, write the completion record, and return the outcome.

        Args:
            module: with the weights of the last epoch.
            diverged: whether the loss diverged; the weights are then not tested.
        """
        start = time.perf_counter()
        metrics: dict[str, float] = {}
        results = gather_test(module, self.data)  # of no image
        if not diverged:
            last, results = run_tests(module, self.data, self.trainer)
            metrics = {f"{name}_last": value for name, value in last.items()}
            metrics.update(last)
        best = self.run.folder / BEST
        if self.recorder.best_epoch >= 0 and not best.is_file():
            raise FileNotFoundError(f"{best} must be there to test and keep, got none")
        if self.recorder.best_epoch not in (-1, self.config["trainer"]["max_epochs"] - 1):
            module.network.load_state_dict(load_file(best))
            chosen, results = run_tests(module, self.data, self.trainer)
            metrics.update(chosen)
        outcome = "diverged" if diverged else "finished"
        if self.journal is not None:
            names, fixed = self.data.class_names, self.data.has_fixed_test_order
            classes, folder = (results.predicted, results.target), self.run.folder
            tables = write_tables(folder, *classes, names, by_image=fixed)
            tables += write_picture_data(folder, results, module.network)
            if attributes := module.plain_attributes():
                write_plain_attributes(folder, attributes)
                tables.append(PLAIN_ATTRIBUTES)
            metadata = self._metadata(module)
            self._complete(outcome, metrics, time.perf_counter() - start, metadata, tables)
        return outcome

    def _complete(
        self,
        outcome: str,
        metrics: dict[str, float],
        test_seconds: float,
        metadata: dict[str, Any],
        tables: list[str],
    ) -> None:
        """Write the completion record, the last write of a run, and delete the checkpoint."""
        assert self.journal is not None
        folder = self.run.folder
        names = [TRIAL, JOURNAL, ENVIRONMENT, BEST, CONFIG, PROBES, *tables]
        epochs = [e for e in self.journal.entries if e.kind == "epoch"]
        completion = Completion(
            key=self.run.key,
            run=self.run.number,
            outcome=outcome,
            time=time.time(),
            metrics={**metrics, **best_epoch_metrics(epochs)},
            measured=summarize_measurements(epochs, test_seconds),
            metadata=metadata,
            artifacts=describe(folder, names),
        )
        write_completion(folder, completion)
        delete_checkpoint(self.run)

    def _metadata(self, module: Classifier) -> dict[str, Any]:
        parameters, flops = cost.size(module.network, self.data)
        data = {**self.data.counts(), **self.data.slices}
        notes = {"data_notes": list(self.data.notes)} if self.data.notes else {}
        return {"parameters": parameters, "flops": flops, **data, **notes}

    def _configured_callbacks(self) -> list[pl.Callback]:
        """Return the callbacks of the configuration; one of an older version may lack options."""
        patterns, switches = self.config.get("freeze"), self.config.get("probes") or {}
        frozen = [FrozenStatistics(patterns)] if patterns else []
        probes = [Probes(switches, self.run.folder / PROBES)] if switched_on(switches) else []
        graph = [CudaGraph()] if self._devices.cuda_graph else []
        return [*frozen, *probes, *graph]

    def trainer(self) -> pl.Trainer:
        """Return a Trainer for one fit or test of this trial."""
        return trainer(
            self.config["trainer"],
            self._devices,
            self.run.folder,
            self.recorder.logger,
            [*self._callbacks, self.recorder],
            # Networks of ablab use every weight at each step; a user's may not.
            find_unused_parameters=bool(self.run.trial["sources"]),
        )
