"""The table of a sweep's jobs: one row per variant, one column per seed."""

from collections.abc import Mapping, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ablab.sweep.console.formatting import format_progress, format_result, trial_label
from ablab.sweep.job import Job
from ablab.text import escape_controls

MAX_SEEDS = 10  # columns of a table
MAX_PROBLEMS = 3  # failures whose reasons are shown
_STYLES = {"finished": "green", "diverged": "yellow", "running": "cyan", "locked": "cyan"}


def job_table(jobs: Sequence[Job], metric: str, max_rows: int) -> list[RenderableType]:
    """Return the table of the jobs, then the reasons of failures and damage.

    Args:
        jobs: all jobs.
        metric: shown as the result.
        max_rows: if the table has more rows, or more than `MAX_SEEDS` columns, the running jobs
            are listed instead.
    """
    several_blocks = len({job.cell.block for job in jobs}) > 1
    seeds = sorted({job.cell.seed for job in jobs})
    rows: dict[str, dict[int, Job]] = {}
    for job in jobs:
        name = f"{job.cell.block} · {job.cell.variant}" if several_blocks else job.cell.variant
        rows.setdefault(name, {})[job.cell.seed] = job
    problems = _problems(jobs, several_blocks)
    if len(rows) > max_rows or len(seeds) > MAX_SEEDS:
        running = [job for job in jobs if job.state in ("running", "locked")][:max_rows]
        labels = [Text(f"{trial_label(job.cell, several_blocks)}  ") for job in running]
        lines = [label + _cell(j, metric) for label, j in zip(labels, running, strict=True)]
        return [*lines, *problems]
    return [_table(rows, seeds, metric), *problems]


def _table(rows: Mapping[str, Mapping[int, Job]], seeds: Sequence[int], metric: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("variant")
    for seed in seeds:
        table.add_column(f"seed {seed}", justify="right", no_wrap=True)
    for name, jobs in rows.items():
        cells = (_cell(jobs[s], metric) if s in jobs else Text("") for s in seeds)
        table.add_row(Text(escape_controls(name)), *cells)
    return table


def _cell(job: Job, metric: str) -> Text:
    texts = {
        "waiting": "·",
        "locked": "elsewhere",
        "running": format_progress(job),
        "finished": format_result(job, metric),
        "diverged": format_result(job, metric),
    }
    style = "dim" if job.state == "waiting" else _STYLES.get(job.state, "red")
    return Text(texts.get(job.state, job.state), style)


def _problems(jobs: Sequence[Job], several_blocks: bool) -> list[Text]:
    def describe(job: Job) -> str:
        return f"{trial_label(job.cell, several_blocks)} {job.state}: {escape_controls(job.reason)}"

    failed = [job for job in jobs if job.state == "failed"][-MAX_PROBLEMS:]
    damaged = [job for job in jobs if job.state == "damaged"]
    # What to do about damage is at the end of its line, so that it is not cut.
    return [
        *(Text(describe(job), "red", overflow="ellipsis", no_wrap=True) for job in failed),
        *(Text(describe(job), "red") for job in damaged),
    ]
