"""`ablab status`: the progress of sweeps, read from the disk whether or not they run."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablab.sweep.console.formatting import count_done, format_counts, format_not_done
from ablab.sweep.console.summary import print_line
from ablab.sweep.console.table import job_table
from ablab.sweep.console.tuning import tuning_lines
from ablab.sweep.job import Job, make_jobs
from ablab.sweep.names import sweep_id
from ablab.sweep.states import read_states
from ablab.text import escape_controls
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Plan, find_plan, read_plans


def status(name: str | None, overrides: Sequence[str], console: Console, lab: Lab) -> bool:
    """Print the progress of a sweep, or a list of all sweeps.

    Returns:
        Whether all records that were read are undamaged; damaged ones are printed.

    Raises:
        ConfigError: there is no such sweep.
        DamagedError: its plan is damaged.
    """
    if name is None:
        plans, damaged = read_plans(lab)
        jobs_by_sweep = {plan.sweep: make_jobs(plan) for plan in plans}
        for jobs in jobs_by_sweep.values():
            read_states(lab, jobs)
        console.print(_sweep_table(plans, jobs_by_sweep))
        reasons = [
            j.reason for jobs in jobs_by_sweep.values() for j in jobs if j.state == "damaged"
        ]
        for message in dict.fromkeys([*damaged.values(), *reasons]):
            print_line(console, f"damaged: {message}", "red")
        return not (damaged or reasons)
    plan = find_plan(lab, sweep_id(name, overrides))
    jobs = make_jobs(plan)
    read_states(lab, jobs)
    print_line(console, f"{plan.sweep}: {plan.asked}", "bold")
    for line in tuning_lines(plan):
        print_line(console, line)
    if plan.is_tuning:
        return True
    if plan.spec.looks is not None:
        from ablab.sweep.looks import describe_look  # late: few sweeps look

        print_line(console, describe_look(plan))
    for part in job_table(jobs, plan.spec.metric, max_rows=len(jobs)):
        console.print(part)
    print_line(console, format_counts(jobs), "bold")
    return not any(job.state == "damaged" for job in jobs)


def _sweep_table(plans: Sequence[Plan], jobs_by_sweep: Mapping[str, Sequence[Job]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("sweep", "finished", "not finished", "question"):
        table.add_column(column)
    for plan in plans:
        jobs = jobs_by_sweep[plan.sweep]
        done, question = f"{count_done(jobs)}/{len(jobs)}", Text(escape_controls(plan.asked))
        left = format_not_done(jobs)
        if plan.is_tuning:
            searches = plan.current_searches
            num_told = sum(len(each.told) for each in searches)
            done, left = f"{num_told}/{sum(each.num_trials for each in searches)}", "tuning"
        table.add_row(Text(escape_controls(plan.sweep)), done, left, question)
    return table
