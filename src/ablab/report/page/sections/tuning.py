"""Tuning: the budget of the searches, what they chose for each variant, and how they got there."""

from collections.abc import Mapping, Sequence
from typing import Any

from ablab.formatting import NONE, format_metric, join_words
from ablab.report.analysis.tuning import Tuned, tuned
from ablab.report.page.context import MOST_DRAWN_BLOCKS, MOST_LINES, Context
from ablab.report.page.figures.tuning import tuning_figure
from ablab.report.page.sections.section import (
    Item,
    Note,
    Part,
    Section,
    TableItem,
    pictures,
    undivided,
)
from ablab.report.page.table import Table
from ablab.text import format_count

NAME, TITLE = "tuning", "Tuning"
_METHODS = {
    "tpe": "the tree-structured Parzen estimator (TPE)",
    "random": "random search",
    "grid": "a grid",
    "one_at_a_time": "one key after the other",
}
_CAPTION = (
    "The best validation figure so far, trial by trial: a curve that still rises at the end may "
    "have needed a larger budget."
)


def section(context: Context) -> Section:
    """Return the section on tuning; without parts if nothing was tuned."""
    plan = context.analysis.plan
    tune = plan.spec.tune
    if not isinstance(tune, Mapping):
        return undivided(NAME, TITLE, ())
    searches = tuned(plan)
    items: list[Item] = [Note(_budget(tune, is_alone=plan.is_tuning))]
    if searches:
        items += [TableItem(tuning_table(tune, searches), "tuning"), Note(_edges(searches))]
    if context.fixed:
        items.append(Note(f"The same comparison without tuning: {context.fixed}"))
    figures = _figures(context, str(tune["metric"]), searches)
    return Section(NAME, TITLE, (Part("", tuple(items)), *figures))


def _figures(context: Context, metric: str, searches: Sequence[Tuned]) -> list[Part]:
    """Return the curves of the searches, one part per block, folded from the second one on."""
    blocks = list(dict.fromkeys(each.block for each in searches))
    drawn = context.lines.variants or [each.variant for each in searches][:MOST_LINES]
    parts = []
    for number, block in enumerate(blocks[:MOST_DRAWN_BLOCKS]):
        best = {s.variant: s.best for s in searches if s.block == block and s.variant in drawn}
        known = {variant: values for variant, values in best.items() if values.size}
        figure = tuning_figure(known, context.style_indices, metric, f"{NAME}-{number}")
        if figure:
            title = block if len(blocks) > 1 else ""
            parts.append(Part(title, tuple(pictures([figure], _CAPTION)), folded=number > 0))
    return parts


def tuning_table(tune: Mapping[str, Any], searches: Sequence[Tuned]) -> Table:
    """Return the chosen values, one row per variant and block.

    Args:
        tune: as the plan's spec stores it.
        searches: of the plan.
    """
    entries = [each.chosen or {} for each in searches]
    keys = list(dict.fromkeys(key for each in entries for key in each.get("values", ())))
    metric = str(tune["metric"])
    columns = ("variant", "block", metric, *keys, *(f"importance of {key}" for key in keys))
    several = len({each.block for each in searches}) > 1
    rows = [
        (
            (
                each.variant,
                each.block if several else NONE,
                format_metric(chosen.get("value"), metric),
                *(_value(chosen, key) for key in keys),
                *(_share(chosen.get("importance", {}).get(key)) for key in keys),
                _trials(each.states),
            ),
            "",
        )
        for each, chosen in zip(searches, entries, strict=True)
    ]
    return Table((), (*columns, "trials"), tuple(rows)).without_empty_columns()


def _value(chosen: Mapping[str, Any], key: str) -> str:
    """Return a chosen value, marked where it lies on the edge of what was searched."""
    if key not in chosen.get("values", ()):
        return NONE
    value = chosen["values"][key]
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return f"{text} (edge)" if key in chosen["edges"] else text


def _share(share: float | None) -> str:
    return NONE if share is None else f"{100 * share:.0f} %"


def _trials(states: Mapping[str, int]) -> str:
    """Return how many trials ended, and how if not all finished: ``12, of which 3 pruned``."""
    others = [f"{n} {state}" for state, n in sorted(states.items()) if state != "finished"]
    total = sum(states.values())
    return (f"{total}, of which {join_words(others)}" if others else str(total)) if total else NONE


def _budget(tune: Mapping[str, Any], *, is_alone: bool) -> str:
    seeds = format_count(len(tune["seeds"]), "seed")
    epochs = f" of {format_count(tune['epochs'], 'epoch')}" if tune["epochs"] else ""
    extreme = "highest" if tune["goal"] == "max" else "lowest"
    pruned = "" if tune["pruning"] == "none" else f", pruned by {tune['pruning']}"
    budget = (
        f"{format_count(tune['trials'], 'trial')}{epochs} by {_METHODS[tune['method']]}, on "
        f"{seeds} from {min(tune['seeds'])} on, which no comparison uses{pruned}. The values with "
        f"the {extreme} {tune['metric']} are chosen, at the epoch that validation chose; the test "
        "images are not looked at."
    )
    if is_alone:
        return f"Budget of the search: {budget}"
    return f"Each variant has the same budget: {budget} The comparison trains on other seeds."


def _edges(searches: Sequence[Tuned]) -> str:
    edges = {each.variant: each.chosen["edges"] for each in searches if each.chosen}
    named = [f"{variant} ({', '.join(keys)})" for variant, keys in edges.items() if keys]
    if not named:
        return "No chosen number lies on the edge of what was searched."
    return f"On the edge of what was searched: {join_words(named)}. Values beyond it may be better."
