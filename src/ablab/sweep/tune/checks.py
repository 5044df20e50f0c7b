"""Checks of a search that concern several of its keys; messages are appended to ``faults``."""

from collections.abc import Mapping
from importlib.util import find_spec
from math import prod

from ablab.sweep.settings import check_setting
from ablab.sweep.tune.search import PRUNINGS, Search
from ablab.sweep.tune.space import Range, Values
from ablab.text import format_name
from ablab.tracking.spec import Settings

_LISTS_ONLY = ("grid", "one_at_a_time")


def check_keys(
    path: str,
    search: Search,
    variants: Mapping[str, Settings],
    blocks: Mapping[str, Settings],
    faults: list[str],
) -> None:
    """Check that the searched keys change a trial and are set neither by variants nor by blocks."""
    paths = {f"{path}.space": search.space}
    paths |= {f"{path}.variants.{format_name(n)}": space for n, space in search.variants.items()}
    for where, space in paths.items():
        for key, dimension in space.items():
            for value in dimension.corners():
                check_setting(where, key, value, faults)
            if key == "trainer.max_epochs" and search.epochs is not None:
                faults.append(f"{path}.epochs must be null where trainer.max_epochs is searched")
    for name in variants:
        for key in search.space_of(name).keys() & variants[name].keys():
            owner = format_name(name)
            faults.append(f"{path} must search what no variant sets, got {key}, set by {owner}")
    for name, settings in blocks.items():
        for key in sorted({k for v in variants for k in search.space_of(v)} & settings.keys()):
            owner = format_name(name)
            faults.append(f"{path} must search what no block sets, got {key}, set by {owner}")
    empty = [format_name(name) for name in variants if not search.space_of(name)]
    if empty:
        rule = "give every variant something to search"
        faults.append(f"{path}.space must {rule}, got none for {', '.join(empty)}")


def with_budget(
    path: str, search: Search, variants: Mapping[str, Settings], faults: list[str]
) -> Search:
    """Return the search with its number of trials, which lists alone may define."""
    if search.method not in _LISTS_ONLY:
        if not search.trials:
            faults.append(f"{path}.trials must be a count >= 1, got null")
        return search
    sizes = {}
    for name in variants:
        space = search.space_of(name)
        ranges = [key for key, dimension in space.items() if isinstance(dimension, Range)]
        if ranges:
            rule = f"be lists of values for method {search.method}"
            faults.append(f"{path}.space must {rule}, got a range for {', '.join(ranges)}")
            return search
        lengths = [len(d.values) for d in space.values() if isinstance(d, Values)]
        sizes[name] = prod(lengths) if search.method == "grid" else sum(lengths)
    wanted = search.trials or max(sizes.values(), default=0)
    wrong = {name: size for name, size in sizes.items() if size != wanted}
    if wrong:
        got = ", ".join(f"{size} for {format_name(name)}" for name, size in wrong.items())
        what = "the product of its lists" if search.method == "grid" else "the number of its values"
        faults.append(f"{path}.space must be such that {what} is {wanted}, got {got}")
    return Search(**{**vars(search), "trials": wanted})


def check_options(path: str, search: Search, faults: list[str]) -> None:
    """Check that pruning goes with the seeds, and that Optuna is there where it is needed."""
    if search.pruning != "none" and len(search.seeds) > 1:
        faults.append(f"{path}.seeds must be 1 where trials are pruned, got {len(search.seeds)}")
    needs_optuna = [
        f"{key} is {value}"
        for key, value in (("method", search.method), ("pruning", search.pruning))
        if value in ("tpe", *PRUNINGS[1:])
    ]
    if needs_optuna and find_spec("optuna") is None:
        faults.append(
            f"{path} must have Optuna where {' and '.join(needs_optuna)} "
            "(pip install 'ablab[tune]'), got none installed"
        )
