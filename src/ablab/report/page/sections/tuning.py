"""Tuning: the budget of the searches, and what they chose for each variant."""

from collections.abc import Mapping, Sequence
from typing import Any

from ablab.formatting import NONE, format_metric, join_words
from ablab.report.page.context import Context
from ablab.report.page.sections.section import Item, Note, Section, TableItem, undivided
from ablab.report.page.table import Table
from ablab.text import format_count
from ablab.tracking.tuning import chosen_by_cell

NAME, TITLE = "tuning", "Tuning"
_METHODS = {
    "tpe": "the tree-structured Parzen estimator (TPE)",
    "random": "random search",
    "grid": "a grid",
    "one_at_a_time": "one key after the other",
}


def section(context: Context) -> Section:
    """Return the section on tuning; without parts if nothing was tuned."""
    tune = context.analysis.plan.spec.tune
    if not isinstance(tune, Mapping):
        return undivided(NAME, TITLE, ())
    chosen = list(chosen_by_cell(tune).values())
    items: list[Item] = [Note(_budget(tune))]
    if chosen:
        items += [TableItem(tuning_table(tune, chosen), "tuning"), Note(_edges(chosen))]
    return undivided(NAME, TITLE, items)


def tuning_table(tune: Mapping[str, Any], chosen: Sequence[Mapping[str, Any]]) -> Table:
    """Return the chosen values, one row per variant and block.

    Args:
        tune: as the plan's spec stores it.
        chosen: its entries of chosen values.
    """
    keys = list(dict.fromkeys(key for each in chosen for key in each["values"]))
    shares = any(each["importance"] for each in chosen)
    several = len({each["block"] for each in chosen}) > 1
    columns = ["variant", *(["block"] if several else []), str(tune["metric"]), *keys]
    columns += [f"importance of {key}" for key in keys] if shares and len(keys) > 1 else []
    rows = []
    for each in chosen:
        cells = [each["variant"], *([each["block"]] if several else [])]
        cells.append(format_metric(each["value"], tune["metric"]))
        cells += [_value(each, key) for key in keys]
        cells += [_share(each["importance"].get(key)) for key in keys] if shares else []
        rows.append((tuple(cells[: len(columns)]), ""))
    return Table((), tuple(columns), tuple(rows))


def _value(chosen: Mapping[str, Any], key: str) -> str:
    """Return a chosen value, marked where it lies on the edge of what was searched."""
    if key not in chosen["values"]:
        return NONE
    value = chosen["values"][key]
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return f"{text} (edge)" if key in chosen["edges"] else text


def _share(share: float | None) -> str:
    return NONE if share is None else f"{100 * share:.0f} %"


def _budget(tune: Mapping[str, Any]) -> str:
    seeds = format_count(len(tune["seeds"]), "seed")
    epochs = f" of {format_count(tune['epochs'], 'epoch')}" if tune["epochs"] else ""
    extreme = "highest" if tune["goal"] == "max" else "lowest"
    pruned = "" if tune["pruning"] == "none" else f", pruned by {tune['pruning']}"
    return (
        f"Before the comparison each variant had the same budget: "
        f"{format_count(tune['trials'], 'trial')}{epochs} by {_METHODS[tune['method']]}, on "
        f"{seeds} from {min(tune['seeds'])} on, which no comparison uses{pruned}. The values with "
        f"the {extreme} {tune['metric']} were chosen, at the epoch that validation chose; the test "
        "images were not looked at. The comparison trains on other seeds."
    )


def _edges(chosen: Sequence[Mapping[str, Any]]) -> str:
    named = [f"{each['variant']} ({', '.join(each['edges'])})" for each in chosen if each["edges"]]
    if not named:
        return "No chosen number lies on the edge of what was searched."
    return f"On the edge of what was searched: {join_words(named)}. Values beyond it may be better."
