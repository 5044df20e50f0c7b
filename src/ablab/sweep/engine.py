"""A sweep from its name to its last trial."""

import shlex
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from rich.console import Console

from ablab import terminal
from ablab.config.probe_switches import has_measured
from ablab.config.threads import threads_note
from ablab.errors import FAILED, FINISHED, ResourceError
from ablab.folders import lab_folder
from ablab.model.targets import allowed_prefixes
from ablab.sweep.console.lines import Lines
from ablab.sweep.console.live import Display, LiveTable
from ablab.sweep.console.status import jobs_of, states
from ablab.sweep.console.summary import forecast_table, say, say_end, say_start
from ablab.sweep.deliveries import Deliveries
from ablab.sweep.forecast import GB, Forecast, forecast
from ablab.sweep.interrupts import Interrupts
from ablab.sweep.job import Job
from ablab.sweep.launch.choice import make_launcher
from ablab.sweep.launch.launcher import Launcher
from ablab.sweep.names import trial_changes
from ablab.sweep.planning import Draft, draft
from ablab.sweep.schedule import Schedule, Watcher
from ablab.sweep.write_plan import grow, write_plan
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
    console: Console | None = None,
    display: Display | None = None,
) -> int:
    """Run a sweep, or finish it.

    Args:
        name: stem of a YAML under ``sweeps/``.
        overrides: as on the command line; those that change trials make it a sweep of its own.
        dry_run: only print the state and forecast of each trial.
        offline: touch no store; ``ablab sync`` delivers later.
        rerun_changed: train again what other code of the suite than today's has finished.
        console: where to print.
        display: what draws the table of trials where the console is no terminal.

    Returns:
        0, 1 if a trial failed, 130, 143 or 129 if it was interrupted.

    Raises:
        ConfigError: all that is wrong, before anything is made.
        ResourceError: the machine lacks something, such as disk space: what is left waits.
        DataError: a data set is missing or damaged.
    """
    console = console or terminal.console()
    asked = draft(name, overrides, lambda text: say(console, text, "dim"))
    launcher = make_launcher(asked.runtime)
    command = shlex.join(["ablab", "sweep", name, *_allowed(asked), *overrides])
    lab = Lab(lab_folder()) if dry_run else Lab.open()
    folder = lab.sweep_folder(asked.sweep)
    if dry_run:
        plan, _, notes = grow(read_plan(folder), asked, command)
    else:
        plan, notes = write_plan(folder, asked, command)
    jobs = jobs_of(plan)
    probes = asked.runtime["probes"]
    for job in jobs:  # a plan holds those of the command that made it
        job.trial = {**job.trial, "config": {**job.trial["config"], "probes": probes}}
    counts = _from_this_code if rerun_changed else _always
    report = shlex.join(["ablab", "report", name, *trial_changes(overrides)])
    sweep = _Sweep(report, lab, plan, jobs, asked, launcher, counts, console)
    sweep.display = display
    if asked.runtime["tracking"]["deliver"] and not (offline or dry_run):
        sweep.deliveries = Deliveries(lab, plan)
        notes += sweep.deliveries.look()
    notes += sweep.skip_finished()
    notes += filter(None, [threads_note(asked.runtime["launcher"])])
    cost = sweep.forecast(notes)
    if dry_run:
        console.print(forecast_table(jobs, states(lab, jobs), cost))
        return FINISHED
    if not cost.fits:
        raise ResourceError(
            f"free disk space must be {cost.bytes / GB:.1f} GB and some to spare for what is "
            f"left of the sweep, got {cost.free / GB:.1f} GB at {lab.root}"
        )
    return sweep.run()


@dataclass
class _Sweep:
    """A planned sweep with everything that it needs to run."""

    report: str
    lab: Lab
    plan: Plan
    jobs: list[Job]
    asked: Draft
    launcher: Launcher
    counts: Callable[[Run], bool]
    console: Console
    deliveries: Deliveries | None = None
    display: Display | None = None

    def skip_finished(self) -> list[str]:
        """Take over what is finished; return what there is to say about it."""
        old = unmeasured = 0
        for job in self.jobs:
            run = self.lab.finished(job.cell.key)
            if run is None:
                continue
            unmeasured += not self._has_measured(run)
            if self._counts(run):
                job.finish(run)
                old += not _from_this_code(run)
        notes = [
            f"{old} finished trials come from other code of ablab than today's "
            "(--rerun-changed trains them again)."
        ]
        again = f"{unmeasured} finished trials lack a probe that is asked for: they train again."
        return [*(notes if old else []), *([again] if unmeasured else [])]

    def _counts(self, run: Run) -> bool:
        return self.counts(run) and self._has_measured(run)

    def _has_measured(self, run: Run) -> bool:
        return has_measured(run.trial, self.asked.runtime["probes"])

    def forecast(self, notes: Sequence[str]) -> Forecast:
        """Print and return what is left to do."""
        cost = forecast(self.jobs, self.launcher.slots, self.lab.root)
        say_start(self.console, self.plan, self.jobs, cost, notes)
        return cost

    def run(self) -> int:
        """Train what is open and return the exit code."""
        began, waits = time.monotonic(), partial(say, self.console, DELIVERING)
        with Interrupts() as interrupts, ExitStack() as stack:
            stack.callback(self.launcher.close)
            schedule = self._schedule(self._watchers(stack), interrupts)
            schedule.run()
        notes = self.deliveries.close(waits) if self.deliveries else []
        seconds = time.monotonic() - began
        say_end(self.console, self.report, self.plan, self.jobs, seconds)
        for note in notes:
            say(self.console, note, "yellow")
        if interrupts.count:
            return interrupts.code
        if schedule.lack:
            raise ResourceError(schedule.lack)
        return FAILED if any(job.state == "failed" for job in self.jobs) else FINISHED

    def _watchers(self, stack: ExitStack) -> list[Watcher]:
        metric = self.plan.spec.metric
        watchers: list[Watcher] = []
        if self.deliveries is not None:
            self.deliveries.begin(self.jobs)
            watchers.append(self.deliveries)
        if not self.console.is_terminal and self.display is None:
            watchers.append(Lines(self.console, self.jobs, metric))
        elif any(job.is_open for job in self.jobs):
            table = LiveTable(self.console, self.jobs, metric, self.display)
            watchers.append(stack.enter_context(table))
        return watchers

    def _schedule(self, watchers: Sequence[Watcher], interrupts: Interrupts) -> Schedule:
        runtime = self.asked.runtime
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


def _allowed(asked: Draft) -> list[str]:
    """Return the options without which the sweep is refused: what lets users' own modules in."""
    own = {name for trial in asked.trials.values() for name in trial["sources"]} - {"init_from"}
    launcher = asked.runtime["launcher"]["_target_"]
    own |= set() if launcher.startswith("ablab.") else {launcher}
    if not own:
        return []
    return [word for prefix in dict.fromkeys(allowed_prefixes()) for word in ("--allow", prefix)]


def _always(_run: Run) -> bool:
    return True


def _from_this_code(run: Run) -> bool:
    """Tell whether a run was finished by the suite's code as it is now."""
    from ablab.training.environment import source_hash

    return run.environment.get("source_hash") == source_hash()
