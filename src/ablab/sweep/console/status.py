"""How far sweeps are, read from the disk while they run or not."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablab.sweep.console.summary import say
from ablab.sweep.console.table import job_table
from ablab.sweep.console.words import done, how_far, not_done
from ablab.sweep.job import Job, last_failure
from ablab.sweep.names import sweep_id
from ablab.text import printable
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Plan, find_plan, read_plans


def jobs_of(plan: Plan) -> list[Job]:
    """Return the plan's jobs, seed by seed, so that comparisons are complete early."""
    orders = [list(each) for each in (plan.spec.seeds, plan.spec.blocks, plan.spec.variants)]
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
        runs = lab.runs(job.cell.key) if job.is_open else []
        if job.is_open:
            found[job.cell.key] = runs[-1].status() if runs else "new"
    return found


def status(name: str | None, overrides: Sequence[str], console: Console, lab: Lab) -> bool:
    """Print how far a sweep is, or a list of all sweeps.

    Returns:
        Whether all that was read is as it was written; what is not is named.

    Raises:
        ConfigError: there is no such sweep.
        DamagedError: its plan is damaged.
    """
    if name is None:
        plans, damaged = read_plans(lab)
        every = {plan.sweep: jobs_of(plan) for plan in plans}
        for each in every.values():
            _read(lab, each)
        console.print(_all_sweeps(plans, every))
        troubles = [j.reason for each in every.values() for j in each if j.state == "damaged"]
        for told in dict.fromkeys([*damaged.values(), *troubles]):
            say(console, f"damaged: {told}", "red")
        return not (damaged or troubles)
    plan = find_plan(lab, sweep_id(name, overrides))
    jobs = jobs_of(plan)
    _read(lab, jobs)
    say(console, f"{plan.sweep}: {plan.asked}", "bold")
    for part in job_table(jobs, plan.spec.metric, room=len(jobs)):
        console.print(part)
    say(console, how_far(jobs), "bold")
    return not any(job.state == "damaged" for job in jobs)


def _read(lab: Lab, jobs: Sequence[Job]) -> None:
    """Bring each job to the state that the disk tells."""
    for job in jobs:
        if (run := lab.finished(job.cell.key)) is not None:
            job.finish(run)
        elif runs := lab.runs(job.cell.key):
            job.run, found = runs[-1], runs[-1].status()
            job.look()
            job.state = "waiting" if found == "new" else found
            if found == "failed":
                job.reason = last_failure(job.run) or ""
            if found == "damaged":
                job.reason = runs[-1].damage()


def _all_sweeps(plans: Sequence[Plan], every: Mapping[str, Sequence[Job]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("sweep", "finished", "not finished", "question"):
        table.add_column(column)
    for plan in plans:
        own = every[plan.sweep]
        far, question = f"{done(own)}/{len(own)}", Text(printable(plan.asked))
        table.add_row(Text(printable(plan.sweep)), far, not_done(own), question)
    return table
