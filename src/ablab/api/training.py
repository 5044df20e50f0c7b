"""`ablab.train`: train one trial."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablab.api.notebook import allowing, progress
from ablab.api.values import to_overrides
from ablab.errors import FINISHED, HUNG_UP, INTERRUPTED, LOCKED, TERMINATED, InputError, TrialError
from ablab.formatting import format_metric
from ablab.report.card import CardTable, card
from ablab.report.show import metric_lines
from ablab.signals import TerminatedError
from ablab.tracking.records import Record, record_of
from ablab.tracking.run import Run
from ablab.training import single
from ablab.training.foreground import run_in_subprocess

if TYPE_CHECKING:
    from pandas import DataFrame


def train(
    *overrides: str,
    fresh: bool = False,
    offline: bool = False,
    allow: str | Sequence[str] = (),
    quiet: bool = False,
    **choices: Any,
) -> "TrialResult":
    """Train one trial, or return the finished one, as the command ``ablab train`` does.

    The trial is trained in a process of its own, in the same lab as by the command. Ctrl-C, or the
    notebook's stop button, stops it with a checkpoint at the end of the epoch; a second one stops
    it at once. The same call, or command, continues from the checkpoint.

    Args:
        overrides: as on the command line, ``"trainer.max_epochs=2"``.
        fresh: train a new run even if one exists; the old one is kept.
        offline: do not write to MLflow; ``ablab sync`` delivers later.
        allow: your own modules that ``_target_`` may name, as with ``--allow``.
        quiet: print nothing.
        choices: keys and values: ``activation="elu"``, ``seed=3``,
            ``trainer={"max_epochs": 2}``, ``**{"optimizer.lr": 0.1}``. Values keep their type:
            ``"0.1"`` is a string, not a number.

    Returns:
        The trial, finished or diverged: its metrics, curves, configuration and folder.

    Raises:
        ConfigError: all faults of the configuration at once, before anything is written.
        InputError: another process trains this trial.
        DataError: the data set is missing or damaged.
        ResourceError: the machine lacks something, such as disk space.
        TrialError: the trial raised, or its process was killed.
        KeyboardInterrupt: it was stopped; the message names the epoch.

    Example:
        >>> trial = train(activation="elu", trainer={"max_epochs": 2})  # doctest: +SKIP
        >>> trial.metrics["test/accuracy"]  # doctest: +SKIP
        0.7333333492279053
    """
    given = to_overrides(overrides, choices)
    console, _ = progress(quiet=quiet)
    with allowing(allow):
        code, run = single.train(
            given, fresh=fresh, offline=offline, console=console, runner=run_in_subprocess
        )
    result = TrialResult(record_of(run))
    if code != FINISHED:
        _raise(code, run, result)
    return result


def _raise(code: int, run: Run, result: "TrialResult") -> None:
    """Raise the error of a trial that did not finish."""
    epoch = f"after epoch {len(result.record.epochs)} of {result.max_epochs}"
    hint = "the same call continues from its last checkpoint"
    if code == INTERRUPTED:
        raise KeyboardInterrupt(f"trial {run.key} was stopped {epoch}; {hint}")
    if code in (HUNG_UP, TERMINATED):
        raise TerminatedError(code)
    if code == LOCKED:
        raise InputError(f"trial must be idle, got {run.key}, which another process trains")
    cause = f"ended with exit status {code} {epoch}; {hint}"
    if code == 137:
        cause = f"killed by SIGKILL (out of memory?) {epoch}; {hint}"
    reason = result.record.reason if result.outcome == "failed" else cause
    raise TrialError(f"trial {run.key} must train to its end, got {reason}; see {run.folder}")


@dataclass(frozen=True)
class TrialResult:
    """Results of a trained trial.

    Attributes:
        record: all records of the trial in the lab.
    """

    record: Record

    @property
    def key(self) -> str:
        """Key of the trial, 16 hexadecimal digits; equal trials have equal keys everywhere."""
        return self.record.key

    @property
    def outcome(self) -> str:
        """``finished``, or ``diverged`` if the loss became NaN or infinite."""
        return self.record.outcome

    @property
    def metrics(self) -> Mapping[str, float]:
        """The final metrics, named as in MLflow: ``test/accuracy``, 0 to 1; ``test/loss``."""
        return self.record.metrics

    @property
    def config(self) -> Mapping[str, Any]:
        """The resolved configuration, seed included."""
        config: Mapping[str, Any] = self.record.trial.get("config", {})
        return config

    @property
    def choices(self) -> Mapping[str, str]:
        """The component of each axis: ``{"activation": "elu", ...}``."""
        choices: Mapping[str, str] = self.record.trial.get("choices", {})
        return choices

    @property
    def folder(self) -> Path:
        """Folder with journal, weights and log, and a checkpoint until it is finished."""
        assert self.record.folder is not None
        return self.record.folder

    @property
    def max_epochs(self) -> int:
        """Configured number of epochs."""
        return int(self.config.get("trainer", {}).get("max_epochs", 0))

    @cached_property
    def curves(self) -> "DataFrame":
        """One row per epoch: ``epoch`` from 1, ``val_accuracy`` and the like, ``seconds``.

        ``seconds`` is the training time up to the end of the epoch, evaluation excluded.
        """
        from pandas import DataFrame

        epochs = self.record.epochs
        elapsed = accumulate(e.measured.get("time/epoch_seconds", float("nan")) for e in epochs)
        return DataFrame(
            [
                {
                    "epoch": (entry.epoch or 0) + 1,
                    **{name.replace("/", "_"): value for name, value in entry.metrics.items()},
                    "seconds": seconds,
                }
                for entry, seconds in zip(epochs, elapsed, strict=True)
            ]
        )

    def _title(self) -> str:
        names = ("architecture", "activation", "dataset", "optimizer")
        components = [self.choices[name] for name in names if name in self.choices]
        return ", ".join([*components, f"seed {self.config.get('seed')}"])

    def __repr__(self) -> str:
        accuracy = self.metrics.get("test/accuracy")
        shown = format_metric(accuracy, "test/accuracy")
        result = "" if accuracy is None else f", test accuracy {shown}"
        return f"<trial {self.key}: {self._title()}; {self.outcome}{result}>"

    def _repr_html_(self) -> str:
        """Return HTML for a notebook."""
        lines = [(line, "") for line in metric_lines(self.record)]
        outcome = f"{self.outcome}, {len(self.record.epochs)} of {self.max_epochs} epochs"
        table = CardTable(("", ""), lines)
        return card(f"Trial {self.key}", self._title(), [outcome], [table], [str(self.folder)])
