"""The engine: runs a sweep from its name to its last trial, as one command does."""

import shlex
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from ablab import terminal
from ablab.config.probe_switches import has_measured
from ablab.config.threads import threads_note
from ablab.disk import require_space
from ablab.errors import FAILED, FINISHED, ResourceError
from ablab.folders import lab_folder
from ablab.model.targets import allowed_prefixes
from ablab.sweep.console.live import Display, LiveTable
from ablab.sweep.console.log_lines import LogLines
from ablab.sweep.console.summary import forecast_table, print_end, print_line, print_start
from ablab.sweep.deliveries import Deliveries
from ablab.sweep.forecast import forecast
from ablab.sweep.interrupts import Interrupts
from ablab.sweep.job import Job, make_jobs
from ablab.sweep.launch.choice import make_launcher
from ablab.sweep.launch.launcher import Launcher
from ablab.sweep.metrics import has_metric
from ablab.sweep.names import trial_changes
from ablab.sweep.planning import Draft, plan_sweep
from ablab.sweep.schedule import Schedule, Watcher
from ablab.sweep.selection import Selection
from ablab.sweep.states import states
from ablab.sweep.write_plan import extend_plan, write_plan
from ablab.text import format_count
from ablab.tracking.background_delivery import DELIVERING
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Plan, read_plan
from ablab.tracking.run import Run
from ablab.training.settings import ProcessSettings


def run_sweep(
    name: str,
    overrides: Sequence[str] = (),
    *,
    dry_run: bool = False,
    offline: bool = False,
    rerun_changed: bool = False,
    selection: Selection | None = None,
    console: Console | None = None,
    display: Display | None = None,
) -> int:
    """Run or resume a sweep.

    Args:
        name: stem of a YAML under ``sweeps/``.
        overrides: as on the command line; those that change trials make a sweep of its own.
        dry_run: only print the state and forecast of each trial.
        offline: do not write to MLflow; ``ablab sync`` delivers later.
        rerun_changed: train finished trials again if the code of ablab has changed since.
        selection: which trials of the plan are trained; by default all.
        console: receives the output.
        display: draws the table of trials where the console is not a terminal.

    Returns:
        The exit code: 0; 1 if a trial failed; 129, 130 or 143 after an interrupt.

    Raises:
        ConfigError: all faults at once, before anything is written.
        ResourceError: the machine lacks something, such as disk space; open trials wait.
        DataError: a data set is missing or damaged.
    """
    console = console or terminal.make_console()
    draft = plan_sweep(name, overrides, lambda text: print_line(console, text, "dim"))
    launcher = make_launcher(draft.runtime)
    command = shlex.join(["ablab", "sweep", name, *_allow_options(draft), *overrides])
    lab = Lab(lab_folder()) if dry_run else Lab.open()
    folder = lab.sweep_folder(draft.sweep)
    selection = selection or Selection()
    _check_command(selection, draft, folder)
    if dry_run:
        plan, _, notes = extend_plan(read_plan(folder), draft, command)
    else:
        plan, notes = write_plan(folder, draft, command)
    jobs = make_jobs(plan, selection.cells(plan))
    probes = draft.runtime["probes"]
    for job in jobs:  # the plan holds the probes of the command that wrote it, not of this one
        job.trial = {**job.trial, "config": {**job.trial["config"], "probes": probes}}
    report = shlex.join(["ablab", "report", name, *trial_changes(overrides)])
    sweep = _Sweep(
        *(report, command, selection, lab, plan, jobs, draft, launcher),
        *(rerun_changed, console, display),
    )
    if draft.runtime["tracking"]["deliver"] and not (offline or dry_run):
        sweep.deliveries = Deliveries(lab, plan)
        notes += sweep.deliveries.query_store()
    notes += sweep.skip_finished()
    notes += sweep.leave_out()
    notes += filter(None, [threads_note(draft.runtime["launcher"])])
    cost = forecast(sweep.jobs, launcher.slots, lab.root)
    print_start(console, plan, sweep.jobs, cost, notes)
    if dry_run:
        console.print(forecast_table(sweep.jobs, states(lab, sweep.jobs), cost))
        return FINISHED
    if any(job.is_open for job in sweep.jobs):
        require_space(lab.root, cost.bytes + cost.temporary_bytes)
    return sweep.run()


@dataclass
class _Sweep:
    """A planned sweep with everything that it needs to run."""

    report: str
    command: str
    selection: Selection
    lab: Lab
    plan: Plan
    jobs: list[Job]
    draft: Draft
    launcher: Launcher
    rerun_changed: bool
    console: Console
    display: Display | None
    deliveries: Deliveries | None = None

    def skip_finished(self) -> list[str]:
        """Mark finished jobs as such and return notes on them."""
        old = unmeasured = 0
        for job in self.jobs:
            run = self.lab.finished(job.cell.key)
            if run is None:
                continue
            unmeasured += not self._has_measured(run)
            if self._counts(run):
                job.finish(run)
                old += not _is_from_this_code(run)
        notes = []
        if old:
            notes.append(
                f"{old} finished trials come from another version of ablab's code "
                "(--rerun-changed trains them again)."
            )
        if unmeasured:
            notes.append(
                f"{unmeasured} finished trials lack a requested probe or metric: they train again."
            )
        return notes

    def leave_out(self) -> list[str]:
        """Leave out the open jobs that are not selected, and return notes on them."""
        self.jobs = self.selection.jobs(self.jobs, states(self.lab, self.jobs))
        return self.selection.notes(self.jobs, self.plan)

    def _counts(self, run: Run) -> bool:
        """Return whether a finished run need not be trained again."""
        is_current = not self.rerun_changed or _is_from_this_code(run)
        return is_current and self._has_measured(run)

    def _has_measured(self, run: Run) -> bool:
        has_probes = has_measured(run.trial, self.draft.runtime["probes"])
        return has_probes and has_metric(run, self.plan.spec.metric)

    def run(self) -> int:
        """Train the open jobs and return the exit code."""
        started = time.monotonic()
        with Interrupts() as interrupts, ExitStack() as stack:
            stack.callback(self.launcher.close)
            schedule = self._schedule(self._watchers(stack), interrupts)
            schedule.run()
        on_wait = partial(print_line, self.console, DELIVERING)
        notes = self.deliveries.close(on_wait) if self.deliveries else []
        seconds = time.monotonic() - started
        left = self.selection.num_left(self.lab, self.plan, self.jobs)
        next_command = self.command if left else self.report
        print_end(self.console, next_command, self.plan, self.jobs, seconds)
        if left:
            notes.append(f"The plan has {format_count(left, 'more trial')} without a result.")
        for note in notes:
            print_line(self.console, note, "yellow")
        if interrupts.count:
            return interrupts.code
        if schedule.shortage:
            raise ResourceError(schedule.shortage)
        return FAILED if any(job.state == "failed" for job in self.jobs) else FINISHED

    def _watchers(self, stack: ExitStack) -> list[Watcher]:
        metric = self.plan.spec.metric
        watchers: list[Watcher] = []
        if self.deliveries is not None:
            self.deliveries.begin(self.jobs)
            watchers.append(self.deliveries)
        if not self.console.is_terminal and self.display is None:
            watchers.append(LogLines(self.console, self.jobs, metric))
        elif any(job.is_open for job in self.jobs):
            table = LiveTable(self.console, self.jobs, metric, self.display)
            watchers.append(stack.enter_context(table))
        return watchers

    def _schedule(self, watchers: Sequence[Watcher], interrupts: Interrupts) -> Schedule:
        runtime = self.draft.runtime
        return Schedule(
            self.lab,
            self.jobs,
            self.launcher,
            ProcessSettings.of(runtime, slots=self.launcher.slots, in_sweep=True),
            watchers=watchers,
            retries=int(runtime["launcher"]["retries"]),
            is_finished=self._counts,
            interrupts=lambda: interrupts.count,
        )


def _check_command(selection: Selection, draft: Draft, folder: Path) -> None:
    """Refuse a selection that does not suit the sweep, before its plan is written.

    Raises:
        ConfigError: all faults at once.
    """
    if selection.only:
        selection.check(extend_plan(read_plan(folder), draft, "")[0])


def _allow_options(draft: Draft) -> list[str]:
    """Return the ``--allow`` options without which the users' own modules are refused."""
    own = {name for trial in draft.trials.values() for name in trial["sources"]} - {"init_from"}
    launcher = draft.runtime["launcher"]["_target_"]
    own |= set() if launcher.startswith("ablab.") else {launcher}
    if not own:
        return []
    return [word for prefix in dict.fromkeys(allowed_prefixes()) for word in ("--allow", prefix)]


def _is_from_this_code(run: Run) -> bool:
    """Return whether a run was finished by the code of ablab as it is now."""
    from ablab.training.environment import source_hash

    return run.environment.get("source_hash") == source_hash()
