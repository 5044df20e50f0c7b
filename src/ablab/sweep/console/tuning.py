"""Prints a search: what it will cost, what came of it, and the values that it chose."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from ablab.formatting import format_duration, format_metric, format_size
from ablab.sweep.console.formatting import count_done, format_not_done
from ablab.sweep.console.summary import print_line
from ablab.sweep.job import Job
from ablab.tracking.plan import Plan
from ablab.tracking.search import SearchRecord
from ablab.tracking.tuning import format_overrides

if TYPE_CHECKING:
    from ablab.sweep.forecast import Forecast
    from ablab.sweep.planning import Draft
    from ablab.sweep.tune.cells import SearchCell


def print_search_start(
    console: Console, draft: "Draft", num_open: int, cost: "Forecast", notes: Sequence[str]
) -> None:
    """Print the budget of the searches and the forecast of what is left of it."""
    cells = draft.searches
    search = cells[0].search
    print_line(console, f"{draft.sweep}: {draft.spec.question}", "bold")
    for note in notes:
        print_line(console, note, "yellow")
    per_cell = f"{search.trials} trials" + (
        f" on {len(search.seeds)} seeds" if len(search.seeds) > 1 else ""
    )
    total = search.trials * len(search.seeds) * len(cells)
    text = f"tuning: {per_cell} ({search.method}) for each of {len(cells)} variants and blocks"
    text = f"search: {per_cell} ({search.method})" if search.only and len(cells) == 1 else text
    text += f", {total} in all, {num_open} to train"
    if num_open:
        text += f"; about {format_duration(3600 * cost.hours)} and {format_size(cost.bytes)}"
    print_line(console, f"{text}.")


def print_search_end(console: Console, jobs: Sequence[Job], seconds: float) -> None:
    """Print the counts of this command's tuning trials."""
    counts = ", ".join(filter(None, [f"{count_done(jobs)} done", format_not_done(jobs)]))
    print_line(console, f"tuning: {counts}; in {format_duration(seconds)}.", "bold")
    if any(job.state in ("stopped", "waiting") for job in jobs):
        print_line(console, "The same command continues the search where it stopped.")


def tuning_lines(plan: Plan) -> list[str]:
    """Return the progress of each search of a plan, with its best setting so far."""
    if not plan.current_searches:
        return []
    from ablab.sweep.tune.samplers import best_of  # late: few sweeps search

    lines = []
    for search in plan.current_searches:
        line = f"tuning {search.variant} in {search.block}: "
        line += f"{len(search.told)} of {search.num_trials} tried"
        metric, goal = search.definition["metric"], search.definition["goal"]
        best = best_of(search.told, -1 if goal == "min" else 1)
        if best is not None:
            figure = format_metric(best.value, metric)
            line += f"; best {format_overrides(best.values)}  {metric} {figure}"
        lines.append(line)
    return lines


def print_winners(
    console: Console, cells: "Sequence[SearchCell]", searches: Mapping[str, SearchRecord]
) -> None:
    """Print the chosen values of each search as overrides."""
    for cell in cells:
        chosen = searches[cell.record().id].chosen
        if chosen is not None:
            value = format_metric(chosen["value"], cell.judged_by)
            where = cell.variant if cell.search.only else f"{cell.variant} in {cell.block}"
            values = {key: chosen["values"][key] for key in cell.space}  # in the YAML's order
            edge = f"  (on the edge: {', '.join(chosen['edges'])})" if chosen["edges"] else ""
            text = f"best for {where}: {format_overrides(values)}  {cell.judged_by} {value}{edge}"
            print_line(console, text)
