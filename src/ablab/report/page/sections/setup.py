"""The setup: settings of all trials, of variants and of blocks, and the sweep's YAML."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ablab.report.analysis.setup import TARGET, Settings, Setup
from ablab.report.page.context import MOST_TABLED, Context
from ablab.report.page.sections.section import (
    CodeListing,
    Item,
    Note,
    Section,
    TableItem,
    undivided,
)
from ablab.report.page.table import Table
from ablab.tracking.spec import Spec

NAME, TITLE = "setup", "Setup"
FIRST = (
    *("dataset", "images", "data", "augmentation", "architecture", "activation", "pooling"),
    *("normalization", "dropout", "initializer", "loss", "regularizer", "optimizer", "scheduler"),
    *("batch_size", "trainer"),
)


def section(context: Context) -> Section:
    """Return the section on the setup; without parts if the plan holds no settings."""
    setup, spec = context.analysis.setup, context.analysis.plan.spec
    return undivided(NAME, TITLE, (_foreign if spec.foreign else _own)(setup, spec))


def _own(setup: Setup, spec: Spec) -> list[Item]:
    shared = common_table(setup)
    if not shared.rows:
        return []
    items: list[Item] = [Note(_shared_note(setup, spec)), TableItem(shared, NAME)]
    items += _changes(setup, spec)
    every = tuple(((name, text(value)), "") for name, value in setup.common.items())
    summary = f"All {len(every)} settings that the trials share"
    items.append(TableItem(Table((), ("setting", "value"), every), NAME, summary))
    for number, yaml in enumerate(setup.yaml):
        which = f", version {number + 1} of {len(setup.yaml)}" if len(setup.yaml) > 1 else ""
        items.append(CodeListing(yaml.rstrip(), f"The sweep's YAML as it was planned{which}"))
    return items


def _foreign(setup: Setup, spec: Spec) -> list[Item]:
    """Return the params of MLflow runs that ablab did not launch."""
    differing = _seeded("Different in each run", setup)
    if not any((setup.common, setup.variants, setup.blocks, setup.cells, differing)):
        return []
    note = "Params of these runs as logged to MLflow; other settings are not known."
    items: list[Item] = [Note(f"{note}{differing}")]
    rows = tuple(((name, text(value)), "") for name, value in setup.common.items())
    if rows:
        title = "Params that all runs share"
        items.append(TableItem(Table((), ("param", "value"), rows), NAME, title=title))
    return items + _changes(setup, spec)


def _shared_note(setup: Setup, spec: Spec) -> str:
    note = "Settings that all trials share, as written in the plan."
    if spec.seeds:
        note += f" Seeds: {', '.join(map(str, spec.seeds))}."
    return note + _seeded("Set by the seed", setup)


def _seeded(how: str, setup: Setup) -> str:
    names = [name for name in setup.seeded if name != "seed"]
    return f" {how}: {', '.join(names)}." if names else ""


def common_table(setup: Setup) -> Table:
    """Return a table with one row per component or group of settings.

    Settings that are off (null, or an empty list) stand in the list of all settings only.
    """
    varied = _varied(setup)
    rows = []
    for group in _groups((*setup.common, *varied)):
        choice, values = _group(group, setup.common)
        if group in varied:
            choice = varied[group]
        else:
            own = (f"{n.partition('.')[2]} {how}" for n, how in varied.items() if _of(n) == group)
            values = ", ".join(filter(None, (values, *own)))
        if choice or values:
            rows.append(((group.replace("_", " "), choice, values), ""))
    return Table((), ("part", "choice", "values"), tuple(rows))


def _changes(setup: Setup, spec: Spec) -> list[Item]:
    """Return the tables of settings by variant, by block, and by both."""
    cells = {f"{variant} · {block}": each for (variant, block), each in setup.cells.items()}
    items: list[Item] = []
    for what, settings, order in (
        ("variant", setup.variants, spec.variants),
        ("block", setup.blocks, spec.blocks),
        ("variant and block", cells, ()),
    ):
        names = [*(n for n in order if n in settings), *(n for n in settings if n not in order)]
        if names:
            table = changes_table(what, {name: settings[name] for name in names[:MOST_TABLED]})
            items.append(TableItem(table, NAME, title=f"Settings of each {what}"))
        if len(names) > MOST_TABLED:
            items.append(Note(f"{MOST_TABLED} of {len(names)} are shown; report.json has all."))
    return items


def changes_table(what: str, settings: Mapping[str, Settings]) -> Table:
    """Return a table with one row per variant or block, one column per group that it sets."""
    groups = _groups([name for own in settings.values() for name in own])
    rows = []
    for name, own in settings.items():
        texts = (": ".join(filter(None, _group(g, own))) for g in groups)
        rows.append(((name, *texts), ""))
    return Table((), (what, *(group.replace("_", " ") for group in groups)), tuple(rows))


def _varied(setup: Setup) -> dict[str, str]:
    """Return the settings that differ between trials: ``{"optimizer.lr": "by variant"}``."""
    names: dict[str, str] = {}
    for how, each in (("variant", setup.variants), ("block", setup.blocks)):
        names |= {name: f"by {how}" for settings in each.values() for name in settings}
    both = "by variant and block"
    return names | {name: both for settings in setup.cells.values() for name in settings}


def _of(name: str) -> str:
    return name.partition(".")[0]


def _groups(names: Iterable[str]) -> list[str]:
    """Return the groups of settings in the order of `FIRST`, others last."""
    groups = list(dict.fromkeys(map(_of, names)))
    return sorted(groups, key=lambda g: FIRST.index(g) if g in FIRST else len(FIRST))


def _group(group: str, settings: Settings) -> tuple[str, str]:
    """Return the component or plain value of a group, and its values in one line."""
    own = {n.partition(".")[2]: v for n, v in settings.items() if n.startswith(f"{group}.")}
    values = [
        f"{v:,} {n}" if group == "images" else f"{n}={text(v)}"
        for n, v in own.items()
        if n != TARGET and v is not None and v != []
    ]
    plain = settings.get(group)
    return "" if plain is None else text(plain), ", ".join(values)


def text(value: Any) -> str:
    """Return the value of a setting as in YAML.

    Example:
        >>> text(None), text([0.9, True]), text("relu"), text(48000)
        ('null', '[0.9, true]', 'relu', '48000')
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
