"""The winners of the searches, frozen into the draft of the comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ablab.sweep.planning import Draft
from ablab.sweep.tune import bayes
from ablab.sweep.tune.cells import SearchCell
from ablab.sweep.tune.samplers import best_of
from ablab.tracking.plan import Cell
from ablab.tracking.search import SearchJournal, SearchRecord

STUDY = "optuna.log"  # for optuna-dashboard; written anew by each command


def chosen(cell: SearchCell, record: SearchRecord) -> dict[str, Any] | None:
    """Return the winner of a search that has spent its budget, or None before.

    Returns:
        ``number``, ``values``, ``value``, ``edges`` (keys whose value is on the edge of what was
        searched) and ``importance`` (share of each key, where Optuna is installed).
    """
    best = best_of(record.told, cell.direction)
    if len(record.told) < cell.search.trials or best is None:
        return None
    edges = [key for key, value in best.values.items() if cell.space[key].is_edge(value)]
    shares = {}
    if find_spec("optuna") is not None:
        shares = bayes.importance(cell.space, record.told, cell.goal)
    content = {"number": best.number, "values": dict(best.values), "value": best.value}
    return content | {"edges": edges, "importance": shares}


def choose(cells: Sequence[SearchCell], journal: SearchJournal) -> bool:
    """Record the winner of every search that has none, and return whether all have one."""
    for cell in cells:
        record = journal.begin(cell.record())
        if record.chosen is None and (winner := chosen(cell, record)) is not None:
            journal.choose(record.id, winner)
    return all(journal.searches[cell.record().id].chosen is not None for cell in cells)


def freeze(
    draft: Draft, cells: Sequence[SearchCell], searches: Mapping[str, SearchRecord]
) -> Draft | None:
    """Return the draft whose trials have the winners' values; None if a search has no winner.

    Raises:
        ConfigError: the winners' values are not valid on the seeds of the comparison.
    """
    records = [searches.get(cell.record().id) for cell in cells]
    found = [(c, r, r.chosen) for c, r in zip(cells, records, strict=True) if r and r.chosen]
    if len(found) < len(cells):
        return None
    seeds = draft.spec.seeds
    trials = [(c, c.trials(winner["values"], seeds)) for c, _, winner in found]
    winners = [
        {"search": r.id, "variant": c.variant, "block": c.block, **winner}
        | {"values": {key: winner["values"][key] for key in c.space}}
        for c, r, winner in found
    ]
    tune = cells[0].plain() | {"chosen": winners}
    return replace(
        draft,
        spec=replace(draft.spec, tune=tune),
        cells=tuple(
            Cell(c.variant, seed, c.block, own[number].key)
            for number, seed in enumerate(seeds)
            for c, own in trials
        ),
        trials={trial.key: trial.as_dict() for _, own in trials for trial in own},
    )


def write_studies(path: Path, cells: Sequence[SearchCell], journal: SearchJournal) -> None:
    """Write the searches as Optuna studies into a file, where Optuna is installed."""
    if find_spec("optuna") is None:
        return
    records = [(cell, journal.searches[cell.record().id]) for cell in cells]
    bayes.write_studies(
        path,
        {
            f"{cell.sweep} · {cell.variant} · {cell.block}": (cell.space, record.told, cell.goal)
            for cell, record in records
        },
    )
