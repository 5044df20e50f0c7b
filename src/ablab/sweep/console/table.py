"""The table of a sweep's jobs: a row a variant, a column a seed."""

from collections.abc import Mapping, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ablab.sweep.console.words import label, progress, result
from ablab.sweep.job import Job
from ablab.text import printable

WIDEST = 10  # seeds that have a column each
TROUBLES = 3  # failures whose reasons are shown
_STYLES = {"finished": "green", "diverged": "yellow", "running": "cyan", "held": "cyan"}


def job_table(jobs: Sequence[Job], metric: str, room: int) -> list[RenderableType]:
    """Return what there is to see of the jobs.

    Args:
        jobs: all of them.
        metric: the figure that is shown.
        room: lines that a table may have; where that is too little only the busy jobs and the
            last failures are shown.
    """
    several = len({job.cell.block for job in jobs}) > 1
    seeds = sorted({job.cell.seed for job in jobs})
    rows: dict[str, dict[int, Job]] = {}
    for job in jobs:
        name = f"{job.cell.block} · {job.cell.variant}" if several else job.cell.variant
        rows.setdefault(name, {})[job.cell.seed] = job
    if len(rows) > room or len(seeds) > WIDEST:
        busy = [job for job in jobs if job.state in ("running", "held")]
        shown = [Text(f"{label(j.cell, several)}  ") + _cell(j, metric) for j in busy[:room]]
        return [*shown, *_troubles(jobs, several)]
    return [_table(rows, seeds, metric), *_troubles(jobs, several)]


def _table(rows: Mapping[str, Mapping[int, Job]], seeds: Sequence[int], metric: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("variant")
    for seed in seeds:
        table.add_column(f"seed {seed}", justify="right", no_wrap=True)
    for name, jobs in rows.items():
        cells = (_cell(jobs[s], metric) if s in jobs else Text("") for s in seeds)
        table.add_row(Text(printable(name)), *cells)
    return table


def _cell(job: Job, metric: str) -> Text:
    words = {
        "waiting": "·",
        "held": "elsewhere",
        "running": progress(job),
        "finished": result(job, metric),
        "diverged": result(job, metric),
    }
    style = "dim" if job.state == "waiting" else _STYLES.get(job.state, "red")
    return Text(words.get(job.state, job.state), style)


def _troubles(jobs: Sequence[Job], several: bool) -> list[Text]:
    troubled = [job for job in jobs if job.state == "failed"][-TROUBLES:]
    said = [f"{label(job.cell, several)} failed: {printable(job.reason)}" for job in troubled]
    shown = [Text(line, "red", overflow="ellipsis", no_wrap=True) for line in said]
    damaged = [job for job in jobs if job.state == "damaged"]
    told = [f"{label(j.cell, several)} damaged: {printable(j.reason)}" for j in damaged]
    return shown + [Text(line, "red") for line in told]
