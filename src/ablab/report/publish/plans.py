"""The plans of one sweep in several labs, merged: its cells, each once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ablab.errors import InputError
from ablab.tracking.plan import Cell, Part, Plan
from ablab.tracking.spec import Spec

_QUESTION = ("question", "kind", "metric", "goal", "baseline", "margin", "target", "tune", "looks")
_NAMED = ("variants", "blocks")
_CellId = tuple[str, int, str]


def merge_plans(plans: Mapping[str, Plan]) -> Plan:
    """Return one plan with the cells of all.

    Its parts are those of all labs in the order of their times; what a later one adds counts as an
    extension, so that the report says so and gives the first verdict too.

    Args:
        plans: of one sweep, by the name of the lab.

    Raises:
        InputError: the labs ask different questions, or mean different trials by the same cell.
    """
    first, *others = plans
    for other in others:
        _check_questions(first, plans[first].spec, other, plans[other].spec)
        _check_cells(first, plans[first], other, plans[other])
    for number, one in enumerate(others):
        for other in others[number + 1 :]:
            _check_cells(one, plans[one], other, plans[other])
    if not others:
        return plans[first]
    parts = _merge_parts([part for plan in plans.values() for part in plan.parts])
    spec = _merge_specs([plan.spec for plan in plans.values()])
    parts[-1] = replace(parts[-1], spec=spec)
    own = plans[first]
    return Plan(own.sweep, tuple(parts), own.first_number, own.searches)


def _merge_parts(parts: Sequence[Part]) -> list[Part]:
    merged: list[Part] = []
    known: set[_CellId] = set()
    for part in sorted(parts, key=lambda part: part.time):
        new = tuple(cell for cell in part.cells if cell.id not in known)
        is_copy = any((part.time, part.command) == (p.time, p.command) for p in merged)
        if merged and not new and (is_copy or _question(part.spec) == _question(merged[-1].spec)):
            continue
        known |= {cell.id for cell in new}
        kind = "extension" if merged and part.kind != "look" else part.kind
        merged.append(replace(part, kind=kind, cells=new))
    return merged


def _merge_specs(specs: Sequence[Spec]) -> Spec:
    return replace(
        specs[0],
        seeds=tuple(dict.fromkeys(seed for spec in specs for seed in spec.seeds)),
        variants={name: own for spec in specs for name, own in spec.variants.items()},
        blocks={name: own for spec in specs for name, own in spec.blocks.items()},
    )


def _question(spec: Spec) -> list[Any]:
    return [getattr(spec, key) for key in _QUESTION]


def _check_questions(name: str, spec: Spec, other_name: str, other: Spec) -> None:
    """Refuse specs that differ in more than the variants, seeds and blocks they list."""
    for key in _QUESTION:
        a, b = getattr(spec, key), getattr(other, key)
        if a != b:
            raise InputError(
                f"sweep.{'seeds' if key == 'looks' else key} must be the same in all labs that are "
                f"merged, got {a} in {name} and "
                f"{b} in {other_name}"
            )
    for key in _NAMED:
        a, b = getattr(spec, key), getattr(other, key)
        for entry in a.keys() & b.keys():
            if a[entry] != b[entry]:
                raise InputError(
                    f"sweep.{key}.{entry} must be the same in all labs that are merged, got "
                    f"{dict(a[entry])} in {name} and {dict(b[entry])} in {other_name}"
                )


def _check_cells(name: str, plan: Plan, other_name: str, other: Plan) -> None:
    """Refuse one name for two trials, and two names for one trial."""
    own = {cell.id: cell for cell in plan.cells}
    names: dict[str, set[_CellId]] = {}
    for cell in plan.cells:
        names.setdefault(cell.key, set()).add(cell.id)
    for cell in other.cells:
        same = own.get(cell.id)
        if same is not None and same.key != cell.key:
            why = ", ".join(_differences(plan.trials[same.key], other.trials[cell.key]))
            raise InputError(
                f"{_name(cell)} must be the same trial in all labs that are merged, got "
                f"{same.key} in {name} and {cell.key} in {other_name}"
                f"{f', which differ in {why}' if why else ''}"
            )
        if same is None and cell.key in names:
            called = ", ".join(" · ".join(map(str, each)) for each in sorted(names[cell.key]))
            raise InputError(
                f"trial {cell.key} must have one name in all labs that are merged, got {called} "
                f"in {name} and {_name(cell)} in {other_name}"
            )


def _name(cell: Cell) -> str:
    return " · ".join(filter(None, (cell.variant, f"seed {cell.seed}", cell.block)))


def _differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[str]:
    """Yield the settings in which two trials differ."""
    one, two = dict(_flat(a.get("config", {}))), dict(_flat(b.get("config", {})))
    outside = {*a.get("outside_key", ()), *b.get("outside_key", ())}
    for key in sorted(one.keys() | two.keys()):
        if key.partition(".")[0] not in outside and one.get(key) != two.get(key):
            yield f"{key} ({one.get(key)}, {two.get(key)})"
    if a.get("data_hash") != b.get("data_hash"):
        yield "the content of the data"
    if a.get("sources") != b.get("sources"):
        yield "the source of your own modules"


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        yield name, value
        return
    for part, inner in value.items():
        yield from _flat(inner, f"{name}.{part}" if name else str(part))
