"""The setup: what all trials share, what variants and blocks change, and the sweep's YAML."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ablab.report.analysis.setup import TARGET, Settings, Setup
from ablab.report.page.context import MOST_TABLED, Context
from ablab.report.page.sections.chapter import Chapter, Item, Listing, Note, Shown, whole
from ablab.report.page.tables import Table
from ablab.tracking.spec import Spec

NAME, TITLE = "setup", "Setup"
FIRST = (
    *("dataset", "images", "data", "augmentation", "architecture", "activation", "pooling"),
    *("normalization", "dropout", "initializer", "loss", "regularizer", "optimizer", "scheduler"),
    *("batch_size", "trainer"),
)


def chapter(context: Context) -> Chapter:
    """Return it; without parts where the plan holds no trials' settings."""
    plan = context.analysis.plan
    made = context.analysis.setup
    if plan.spec.foreign:
        return whole(NAME, TITLE, _foreign(made, plan.spec))
    return whole(NAME, TITLE, _own(made, plan.spec))


def _own(made: Setup, spec: Spec) -> list[Item]:
    shared = common_table(made)
    if not shared.rows:
        return []
    items: list[Item] = [Note(_told(made, spec)), Shown(shared, NAME)]
    items += _changes(made, spec)
    every = tuple(((name, text(value)), "") for name, value in made.common.items())
    folded = f"All {len(every)} settings that the trials share"
    items.append(Shown(Table((), ("setting", "value"), every), NAME, folded=folded))
    for number, yaml in enumerate(made.yaml):
        which = f", text {number + 1} of {len(made.yaml)}" if len(made.yaml) > 1 else ""
        items.append(Listing(yaml.rstrip(), f"The sweep's YAML as it was planned{which}"))
    return items


def _foreign(made: Setup, spec: Spec) -> list[Item]:
    """Return what others' runs say of themselves."""
    differing = _seeded("Differ from run to run", made)
    if not any((made.common, made.variants, made.blocks, made.cells, differing)):
        return []
    told = "Params of these runs as MLflow holds them; whether more was set is not recorded."
    items: list[Item] = [Note(f"{told}{differing}")]
    rows = tuple(((name, text(value)), "") for name, value in made.common.items())
    if rows:
        title = "Params that all runs share"
        items.append(Shown(Table((), ("param", "value"), rows), NAME, title=title))
    return items + _changes(made, spec)


def _told(made: Setup, spec: Spec) -> str:
    told = "What all trials share, as the plan froze it."
    if spec.seeds:
        told += f" Seeds: {', '.join(map(str, spec.seeds))}."
    return told + _seeded("Set by the seed", made)


def _seeded(how: str, made: Setup) -> str:
    names = [name for name in made.seeded if name != "seed"]
    return f" {how}: {', '.join(names)}." if names else ""


def common_table(made: Setup) -> Table:
    """Return a row a component or group of settings that all trials share, where they do.

    Settings that are off (null, or an empty list) are left to the list of all.
    """
    varied = _varied(made)
    rows = []
    for group in _groups((*made.common, *varied)):
        choice, values = _group(group, made.common)
        if group in varied:
            choice = varied[group]
        else:
            own = (f"{n.partition('.')[2]} {how}" for n, how in varied.items() if _of(n) == group)
            values = ", ".join(filter(None, (values, *own)))
        if choice or values:
            rows.append(((group.replace("_", " "), choice, values), ""))
    return Table((), ("part", "choice", "values"), tuple(rows))


def _changes(made: Setup, spec: Spec) -> list[Item]:
    """Return a table for variants, for blocks, and for what depends on both."""
    cells = {f"{variant} · {block}": each for (variant, block), each in made.cells.items()}
    items: list[Item] = []
    for what, found, order in (
        ("variant", made.variants, spec.variants),
        ("block", made.blocks, spec.blocks),
        ("variant and block", cells, ()),
    ):
        names = [*(n for n in order if n in found), *(n for n in found if n not in order)]
        if names:
            table = changes_table(what, {name: found[name] for name in names[:MOST_TABLED]})
            items.append(Shown(table, NAME, title=f"What each {what} sets"))
        if len(names) > MOST_TABLED:
            items.append(Note(f"Shown are {MOST_TABLED} of {len(names)}; report.json has all."))
    return items


def changes_table(what: str, found: Mapping[str, Settings]) -> Table:
    """Return a row a variant or block: a column for each component or group that it sets."""
    groups = _groups([name for settings in found.values() for name in settings])
    rows = []
    for place, settings in found.items():
        texts = (": ".join(filter(None, _group(g, settings))) for g in groups)
        rows.append(((place, *texts), ""))
    return Table((), (what, *(group.replace("_", " ") for group in groups)), tuple(rows))


def _varied(made: Setup) -> dict[str, str]:
    """Return the names that trials do not share, each with what sets it."""
    found: dict[str, str] = {}
    for how, each in (("variant", made.variants), ("block", made.blocks)):
        found |= {name: f"by {how}" for settings in each.values() for name in settings}
    both = "by variant and block"
    return found | {name: both for settings in made.cells.values() for name in settings}


def _of(name: str) -> str:
    return name.partition(".")[0]


def _groups(names: Iterable[str]) -> list[str]:
    """Return the groups of settings, the data first and what is not in `FIRST` last."""
    found = list(dict.fromkeys(map(_of, names)))
    return sorted(found, key=lambda g: FIRST.index(g) if g in FIRST else len(FIRST))


def _group(group: str, settings: Settings) -> tuple[str, str]:
    """Return a group's component or plain value, and its values in a line."""
    own = {n.partition(".")[2]: v for n, v in settings.items() if n.startswith(f"{group}.")}
    values = [
        f"{v:,} {n}" if group == "images" else f"{n}={text(v)}"
        for n, v in own.items()
        if n != TARGET and v is not None and v != []
    ]
    plain = settings.get(group)
    return "" if plain is None else text(plain), ", ".join(values)


def text(value: Any) -> str:
    """Return a setting's value as YAML has it.

    Example:
        >>> text(None), text([0.9, True]), text("relu"), text(48000)
        ('null', '[0.9, true]', 'relu', '48000')
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
