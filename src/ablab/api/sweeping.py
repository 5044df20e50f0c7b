"""`ablab.sweep`: a question and all its trials from Python."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablab.api.notebook import allowing, progress
from ablab.api.values import to_overrides
from ablab.errors import FAILED, FINISHED, INTERRUPTED, InputError
from ablab.folders import lab_folder
from ablab.report.build import Report, build_report
from ablab.report.reading import Reading, reading
from ablab.signals import TerminatedError
from ablab.sweep.engine import run_sweep
from ablab.sweep.names import sweep_id
from ablab.text import shown
from ablab.tracking.lab import Lab


def sweep(
    name: str,
    *overrides: str,
    offline: bool = False,
    rerun_changed: bool = False,
    allow: str | Sequence[str] = (),
    quiet: bool = False,
    **choices: Any,
) -> "SweepResult":
    """Train what is missing of a sweep, and return what came of it, as ``ablab sweep`` does.

    Trials run side by side in processes of their own. A notebook shows one table that follows
    them, a terminal a live one, anything else a line per trial. Ctrl-C, or the notebook's stop
    button, stops the trials at their last checkpoints, and the same call finishes the sweep.

    Args:
        name: stem of a YAML under ``sweeps/``, the suite's or your own ``./sweeps``.
        overrides: as on the command line, ``"dataset=digits"``, ``"sweep.seeds=2"``.
        offline: touch no store; ``ablab sync`` delivers later.
        rerun_changed: train again what other code of ablab than today's has finished.
        allow: modules of your own in which a ``_target_`` may lie, as of ``--allow``.
        quiet: print and show nothing while it runs.
        choices: the same keys with values, ``dataset="digits"``,
            ``sweep={"seeds": 2}``; see `ablab.train`.

    Returns:
        The sweep: its verdict, tables and figures, as far as it has come.

    Raises:
        ConfigError: all that is wrong, before anything is made.
        DataError: a data set is missing or damaged.
        ResourceError: the machine lacks something, such as disk space: what is left waits.
        KeyboardInterrupt: it was stopped.

    Warns:
        RuntimeWarning: trials failed; ``failures`` of the result says why.

    Example:
        >>> result = sweep("demo", sweep={"seeds": 3})  # doctest: +SKIP
        >>> result.verdict  # doctest: +SKIP
        'At fixed hyper-parameters, relu is ...'
    """
    if not isinstance(name, str):
        raise InputError(f"name must be that of a YAML under sweeps/, got {shown(name)}")
    given = to_overrides(overrides, choices)
    console, display = progress(quiet=quiet)
    lab = Lab(lab_folder())
    with allowing(allow):
        code = run_sweep(
            name,
            given,
            offline=offline,
            rerun_changed=rerun_changed,
            console=console,
            display=display,
        )
    result = SweepResult(sweep_id(name, given), lab)
    if code == INTERRUPTED:
        raise KeyboardInterrupt(f"{result.name} was stopped; the same call goes on")
    if code not in (FINISHED, FAILED):
        raise TerminatedError(code)
    if failures := result.failures:
        first = next(iter(failures.items()))
        told = f"{len(failures)} trials of {result.name} failed; {first[0]}: {first[1]}"
        warnings.warn(told, RuntimeWarning, stacklevel=2)
    return result


@dataclass(frozen=True)
class SweepResult:
    """A sweep that was run; what it tells is read from the lab when it is asked for.

    Attributes:
        name: the sweep with the overrides that change its trials, as ``ablab status`` shows it.
        lab: where it lies.
    """

    name: str
    lab: Lab

    def read(self) -> Reading:
        """Return its report as data frames and figures, of the records as they are now."""
        return reading(self.lab, self.name)

    def report(self, *forms: str) -> Report:
        """Write its report, and return where the page and its other forms are.

        Args:
            forms: further ones, ``"latex"`` or ``"pdf"``.

        Raises:
            InputError: there is no such form, or no browser can print the PDF.
        """
        for form in forms:
            if form not in ("latex", "pdf"):
                raise InputError(f"form must be latex or pdf, got {shown(form)}")
        return build_report(self.lab, self.name, forms)

    @property
    def question(self) -> str:
        """The question as the sweep puts it."""
        return self.read().question

    @property
    def verdict(self) -> str:
        """The answer in a sentence, or why there is none."""
        return self.read().verdict

    @property
    def failures(self) -> Mapping[str, str]:
        """Why trials failed, by their keys."""
        rows = self.read().analysis.rows
        return {row.key: row.reason for row in rows if row.outcome == "failed"}

    def __repr__(self) -> str:
        return f"<sweep {self.name}: {self.verdict}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows of it: question, verdict, variants."""
        return self.read()._repr_html_()
