"""The engine: runs a sweep from its name to its last trial, as one command does."""

import shlex
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ablab import terminal
from ablab.errors import FINISHED
from ablab.faults import ConfigError
from ablab.folders import lab_folder
from ablab.model.targets import allowed_prefixes
from ablab.sweep.checking import checking
from ablab.sweep.console.detectable import print_detectable
from ablab.sweep.console.live import Display
from ablab.sweep.console.summary import forecast_table, print_line
from ablab.sweep.deliveries import SweepDeliveries
from ablab.sweep.forecast import Forecast, seconds_by_size
from ablab.sweep.job import Job, make_jobs
from ablab.sweep.launch.choice import make_launcher
from ablab.sweep.looks import Statistics, advance, describe_looks, sizes_of_interest
from ablab.sweep.names import trial_changes
from ablab.sweep.planning import Draft, plan_sweep
from ablab.sweep.selection import Selection
from ablab.sweep.states import states
from ablab.sweep.trials import Trials
from ablab.sweep.tune.run import TUNE_FIRST, Searching
from ablab.sweep.write_plan import extend_plan, write_plan
from ablab.text import format_count
from ablab.tracking.background_delivery import BackgroundDelivery
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell, Part, Plan, read_plan


def run_sweep(
    name: str,
    overrides: Sequence[str] = (),
    *,
    dry_run: bool = False,
    offline: bool = False,
    rerun_changed: bool = False,
    selection: Selection | None = None,
    statistics: Statistics | None = None,
    console: Console | None = None,
    display: Display | None = None,
    delivery: BackgroundDelivery | None = None,
) -> int:
    """Run or resume a sweep.

    Args:
        name: stem of a YAML under ``sweeps/``.
        overrides: as on the command line; those that change trials make a sweep of its own.
        dry_run: only print the state and forecast of each trial.
        offline: do not write to MLflow; ``ablab sync`` delivers later.
        rerun_changed: train finished trials again if the code of ablab has changed since.
        selection: which trials of the plan are trained; by default all.
        statistics: of the trials, `ablab.report.interim`; without them a sweep that looks at
            growing numbers of seeds ends after the look that it is in.
        console: receives the output.
        display: draws the table of trials where the console is not a terminal.
        delivery: of `deliver_early`.

    Returns:
        The exit code: 0; 1 if a trial failed; 129, 130 or 143 after an interrupt.

    Raises:
        ConfigError: all faults at once, before anything is written.
        ResourceError: the machine lacks something, such as disk space; open trials wait.
        DataError: a data set is missing or damaged.
    """
    console = console or terminal.make_console()
    with ExitStack() as stack:
        stack.enter_context(checking(will_train=not dry_run))
        draft = plan_sweep(name, overrides, lambda text: print_line(console, text, "dim"))
        launcher = make_launcher(draft.runtime)
        command = shlex.join(["ablab", "sweep", name, *_allow_options(draft), *overrides])
        lab = Lab(lab_folder()) if dry_run else Lab.open()
        folder = lab.sweep_folder(draft.sweep)
        selection = selection or Selection()
        _check_command(selection, draft, folder)
        if draft.searches:
            searching = Searching(lab, draft, command, launcher, console, display, offline=offline)
            if selection and not searching.is_done:
                raise ConfigError([TUNE_FIRST])
            tuned = searching.forecast() if dry_run else searching.run()
            if isinstance(tuned, int):
                return tuned
            draft = tuned
        if dry_run:
            plan, _, notes = extend_plan(read_plan(folder), draft, command)
        else:
            plan, notes = write_plan(folder, draft, command)
        sweep = _Sweep(
            name=plan.sweep,
            metric=plan.spec.metric,
            next_command=shlex.join(["ablab", "report", name, *trial_changes(overrides)]),
            lab=lab,
            jobs=_jobs(plan, selection.cells(plan), draft),
            runtime=draft.runtime,
            launcher=launcher,
            console=console,
            rerun_changed=rerun_changed,
            display=display,
            plan=plan,
            selection=selection,
            command=command,
            draft=draft,
            statistics=statistics,
        )
        if draft.runtime["tracking"]["deliver"] and not (offline or dry_run):
            sweep.deliveries = SweepDeliveries(lab, plan, delivery)
        excluded = [item for part in plan.parts for item in part.excluded]
        notes += describe_looks(plan)
        cost = sweep.begin(f"{plan.sweep}: {plan.spec.question}", notes, excluded)
        if dry_run:
            console.print(forecast_table(sweep.jobs, states(lab, sweep.jobs), cost))
            sweep.print_detectable(cost)
            return FINISHED
        stack.close()  # the process of the checks ends before the trials start
        return sweep.run(cost)


@dataclass(kw_only=True)
class _Sweep(Trials):
    """The trials of a sweep, of which a command may train a part.

    Attributes:
        plan: of the sweep.
        selection: which trials of the plan are trained.
        command: trains the whole plan.
        draft: the sweep as configured now, with the seeds of all looks.
        statistics: of the trials, which decide whether another look is needed.
    """

    plan: Plan
    selection: Selection
    command: str
    draft: Draft
    statistics: Statistics | None

    def print_detectable(self, cost: Forecast) -> None:
        """Print what numbers of seeds could detect, by the finished trials, and their time."""
        if self.statistics is None:
            return
        sizes, spec = sizes_of_interest(self.draft.spec), self.draft.spec
        part = Part("comparison", 0.0, self.command, spec, self.draft.cells, self.draft.trials)
        found = self.statistics.detectable(self.lab, Plan(self.name, (part,)), sizes)
        print_detectable(self.console, spec, found, seconds_by_size(self.jobs, cost, sizes))

    def leave_out(self) -> list[str]:
        """Leave out the open jobs that are not selected, and return notes on them."""
        self.jobs = self.selection.jobs(self.jobs, states(self.lab, self.jobs))
        return self.selection.notes(self.jobs, self.plan)

    def more_jobs(self) -> list[Job]:
        """Return the jobs of the next look, as many as the command may train."""
        most = self.selection.max_trials
        left = None if most is None else most - sum(job.is_new for job in self.jobs)
        if left == 0 or self.selection.retry_failed:
            return []
        known = {cell.id for cell in self.plan.cells}
        self.plan, notes = advance(self.lab, self.plan, self.draft, self.statistics, self.command)
        for note in notes:
            print_line(self.console, note, "yellow")
        if isinstance(self.deliveries, SweepDeliveries):
            self.deliveries.plan = self.plan
        cells = [cell for cell in self.selection.cells(self.plan) if cell.id not in known]
        return _jobs(self.plan, cells, self.draft)[:left]

    def next_step(self) -> tuple[str, list[str]]:
        """Return the report's command, or the sweep's if there are further trials to train."""
        left = self.selection.num_left(self.lab, self.plan, self.jobs)
        if left:
            note = f"The plan has {format_count(left, 'more trial')} without a result."
            return self.command, [note]
        if self.selection and self._needs_look():
            return self.command, ["The answer needs another look."]
        return self.next_command, []

    def _needs_look(self) -> bool:
        """Return whether the newest look is settled and another is needed."""
        if self.statistics is None or self.plan.spec.looks is None:
            return False
        return bool(self.statistics.undecided(self.lab, self.plan))


def _jobs(plan: Plan, cells: Sequence[Cell], draft: Draft) -> list[Job]:
    """Return the jobs of cells, with the probes of this command: the plan has an earlier one's."""
    jobs, probes = make_jobs(plan, cells), draft.runtime["probes"]
    for job in jobs:
        job.trial = {**job.trial, "config": {**job.trial["config"], "probes": probes}}
    return jobs


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
