"""How far sweeps are, read from the disk while they run or not."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablab.sweep.job import Job, last_failure
from ablab.sweep.names import sweep_id
from ablab.sweep.summary import say
from ablab.sweep.table import job_table
from ablab.text import printable
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Plan, read_plan
from ablab.training.faults import ConfigError


def find_sweep(lab: Lab, name: str, overrides: Sequence[str] = ()) -> str:
    """Return the id of a sweep that has a plan.

    Overrides name it exactly. Without any it is the sweep of that very name, else the only one
    whose name begins so.

    Raises:
        ConfigError: there is none, or several; the message lists what there is.
    """
    known = lab.sweeps()
    exact = sweep_id(name, overrides)
    if exact in known:
        return exact
    begun = [sweep for sweep in known if sweep.startswith(f"{name} [")]
    if not overrides and len(begun) == 1:
        return begun[0]
    listed = ", ".join(begun or known) or "none yet (ablab sweep NAME makes one)"
    raise ConfigError([f"sweep must be one that was planned: {listed}; got {exact}"])


def jobs_of(plan: Plan) -> list[Job]:
    """Return the plan's jobs, seed by seed, so that comparisons are complete early."""
    orders = [list(plan.spec[key]) for key in ("seeds", "blocks", "variants")]
    ranks = [{name: rank for rank, name in enumerate(order)} for order in orders]
    cells = sorted(
        plan.cells,
        key=lambda c: (ranks[0][c.seed], ranks[1][c.block], ranks[2][c.variant]),
    )
    return [Job(cell, plan.trials[cell.key]) for cell in cells]


def states(lab: Lab, jobs: Sequence[Job]) -> Mapping[str, str]:
    """Return what the disk says of each open job, by key: running, failed, stopped or new."""
    found = {}
    for job in jobs:
        takes = lab.takes(job.cell.key) if job.is_open else []
        if job.is_open:
            found[job.cell.key] = takes[-1].status() if takes else "new"
    return found


def status(name: str | None, overrides: Sequence[str], console: Console, lab: Lab) -> None:
    """Print how far a sweep is, or a list of all sweeps.

    Raises:
        ConfigError: there is no such sweep.
    """
    if name is None:
        console.print(_all_sweeps(lab))
        return
    plan = read_plan(lab.sweep_folder(find_sweep(lab, name, overrides)))
    assert plan is not None
    jobs = jobs_of(plan)
    _read(lab, jobs)
    say(console, f"{plan.sweep}: {plan.spec['question']}", "bold")
    for part in job_table(jobs, plan.spec["metric"], room=len(jobs)):
        console.print(part)
    say(console, f"{sum(not job.is_open for job in jobs)} of {len(jobs)} done", "bold")


def _read(lab: Lab, jobs: Sequence[Job]) -> None:
    """Bring each job to the state that the disk tells."""
    for job in jobs:
        if (take := lab.finished(job.cell.key)) is not None:
            job.finish(take)
        elif takes := lab.takes(job.cell.key):
            job.take, found = takes[-1], takes[-1].status()
            job.look()
            job.state = "waiting" if found == "new" else found
            if found == "failed":
                job.reason = last_failure(job.take) or ""


def _all_sweeps(lab: Lab) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("sweep", "finished", "question"):
        table.add_column(column)
    for name in lab.sweeps():
        plan = read_plan(lab.sweep_folder(name))
        if plan is not None:
            jobs = jobs_of(plan)
            done = sum(lab.finished(job.cell.key) is not None for job in jobs)
            question = Text(printable(plan.spec["question"]))
            table.add_row(Text(printable(name)), f"{done}/{len(jobs)}", question)
    return table
