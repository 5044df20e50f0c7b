"""`ablab.sweep`: run a sweep."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablab.api.notebook import allowing, progress
from ablab.api.values import to_overrides
from ablab.errors import FAILED, FINISHED, INTERRUPTED, InputError
from ablab.folders import lab_folder
from ablab.report import interim
from ablab.report.build import Report, build_report
from ablab.report.reading import Reading, reading
from ablab.signals import TerminatedError
from ablab.sweep.engine import run_sweep
from ablab.sweep.names import sweep_id
from ablab.sweep.selection import parse_selection
from ablab.text import format_value
from ablab.tracking.lab import Lab


def sweep(
    name: str,
    *overrides: str,
    offline: bool = False,
    rerun_changed: bool = False,
    only: str | Sequence[str] = (),
    shard: str | None = None,
    max_trials: int | None = None,
    retry_failed: bool = False,
    allow: str | Sequence[str] = (),
    quiet: bool = False,
    **choices: Any,
) -> "SweepResult":
    """Train the open trials of a sweep and return its results, as the command ``ablab sweep`` does.

    Trials run at the same time in processes of their own. A notebook or a terminal shows a live
    table, any other output has a line per trial. Ctrl-C, or the notebook's stop button, stops the
    trials at their last checkpoints; the same call continues the sweep.

    Args:
        name: stem of a YAML under ``sweeps/``, ablab's or your own ``./sweeps``.
        overrides: as on the command line, ``"dataset=digits"``, ``"sweep.seeds=2"``.
        offline: do not write to MLflow; ``ablab sync`` delivers later.
        rerun_changed: train finished trials again if the code of ablab has changed since.
        only: ``"variant=relu,tanh"``, ``"block=…"`` or ``"seed=0,1"``: train these alone.
        shard: ``"1/3"``: train the first of three parts of equal size.
        max_trials: train at most so many trials.
        retry_failed: train only trials that failed before.
        allow: your own modules that ``_target_`` may name, as with ``--allow``.
        quiet: print and show nothing.
        choices: keys and values, ``dataset="digits"``, ``sweep={"seeds": 2}``; see `ablab.train`.

    Returns:
        The sweep: its verdict, tables and figures so far.

    Raises:
        ConfigError: all faults at once, before anything is written.
        DataError: a data set is missing or damaged.
        ResourceError: the machine lacks something, such as disk space; open trials wait.
        KeyboardInterrupt: it was stopped.

    Warns:
        RuntimeWarning: trials failed; ``failures`` of the result holds the reasons.

    Example:
        >>> result = sweep("demo", sweep={"seeds": 3})  # doctest: +SKIP
        >>> result.verdict  # doctest: +SKIP
        'At fixed hyper-parameters, relu is ...'
    """
    if not isinstance(name, str):
        raise InputError(f"name must be the name of a YAML in sweeps/, got {format_value(name)}")
    given = to_overrides(overrides, choices)
    only = [only] if isinstance(only, str) else only
    selection = parse_selection(only, shard, max_trials, retry_failed=retry_failed)
    console, display = progress(quiet=quiet)
    lab = Lab(lab_folder())
    with allowing(allow):
        code = run_sweep(
            name,
            given,
            offline=offline,
            rerun_changed=rerun_changed,
            selection=selection,
            statistics=interim,
            console=console,
            display=display,
        )
    result = SweepResult(sweep_id(name, given), lab)
    if code == INTERRUPTED:
        raise KeyboardInterrupt(f"{result.name} was stopped; the same call continues it")
    if code not in (FINISHED, FAILED):
        raise TerminatedError(code)
    if failures := result.failures:
        key, reason = next(iter(failures.items()))
        message = f"{len(failures)} trials of {result.name} failed; {key}: {reason}"
        warnings.warn(message, RuntimeWarning, stacklevel=2)
    return result


@dataclass(frozen=True)
class SweepResult:
    """Results of a sweep, read from the lab at each access.

    Attributes:
        name: the sweep with the overrides that change its trials, as in ``ablab status``.
        lab: with the sweep's trials.
    """

    name: str
    lab: Lab

    def read(self) -> Reading:
        """Return the report as data frames and figures, from the current records."""
        return reading(self.lab, self.name)

    def report(self, *forms: str) -> Report:
        """Write the report and return the paths of the page and its other forms.

        Args:
            forms: further forms, ``"latex"`` or ``"pdf"``.

        Raises:
            InputError: there is no such form, or no browser can print the PDF.
        """
        for form in forms:
            if form not in ("latex", "pdf"):
                raise InputError(f"form must be latex or pdf, got {format_value(form)}")
        return build_report(self.lab, self.name, forms)

    @property
    def question(self) -> str:
        """The question of the sweep."""
        return self.read().question

    @property
    def verdict(self) -> str:
        """The answer in a sentence, or why there is none."""
        return self.read().verdict

    @property
    def failures(self) -> Mapping[str, str]:
        """Reason of each failed trial, by key."""
        rows = self.read().analysis.rows
        return {row.key: row.reason for row in rows if row.outcome == "failed"}

    def __repr__(self) -> str:
        return f"<sweep {self.name}: {self.verdict}>"

    def _repr_html_(self) -> str:
        """Return HTML for a notebook: question, verdict and variants."""
        return self.read()._repr_html_()
