"""The `sweep:` node of a YAML: one question, parsed and checked before anything else happens."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from ablab.bounds import TRIALS
from ablab.config.content import content_faults
from ablab.faults import ConfigError
from ablab.sweep.claim import parse_claim
from ablab.sweep.rules import (
    KEYS,
    check_grid,
    check_keys,
    check_margin,
    check_name,
    check_target,
    check_texts,
    is_grid,
)
from ablab.sweep.seeds import parse_seeds
from ablab.sweep.settings import check_settings, named_product
from ablab.sweep.tune.search import FIRST_SEED, Search
from ablab.sweep.tune.spec import read_search
from ablab.text import escape_controls, format_name, format_value
from ablab.tracking.kinds import needs
from ablab.tracking.spec import Settings, Spec

SEARCHED = "search"  # the one variant of a search without a comparison
_MAX_NAMES = 50  # listed in one message


@dataclass(frozen=True)
class SweepSpec(Spec):
    """Stores a question as written in a sweep's YAML, with keys that the plan does not store.

    Attributes:
        exclude: settings to leave out, each with the reason that is printed.
        is_grid: whether the variants are a product, so that they share their parts.
        blocks_are_grid: likewise for the blocks.
        search: how hyper-parameters are searched, None if they are not.
    """

    exclude: tuple[tuple[Settings, str], ...] = ()
    is_grid: bool = False
    blocks_are_grid: bool = False
    search: Search | None = None

    def for_plan(self, variants: Collection[str], blocks: Collection[str]) -> Spec:
        """Return the question as the plan stores it, with these variants and blocks alone."""
        values = {f.name: getattr(self, f.name) for f in fields(Spec)}
        values["variants"] = {n: dict(s) for n, s in self.variants.items() if n in variants}
        values["blocks"] = {n: dict(s) for n, s in self.blocks.items() if n in blocks}
        return Spec(**values)


def parse(node: Mapping[str, Any] | None) -> SweepSpec:
    """Return the question of a composed `sweep:` node.

    Raises:
        ConfigError: all faults at once.
    """
    if not isinstance(node, Mapping):
        raise ConfigError(
            [f"sweep must be a mapping of {', '.join(KEYS)}, got {format_value(node)}"]
        )
    if faults := content_faults("sweep", node):
        raise ConfigError(faults)
    check_keys(node, faults)
    check_texts(node, faults)
    check_margin(node, faults)
    check_target(node, faults)
    check_grid(node, faults)
    variants = _choices(node, "grid" if node.get("grid") is not None else "variants", faults)
    if node.get("search") is not None:
        variants = {SEARCHED: {}}
    blocks = _choices(node, "blocks", faults)
    _check_disjoint(variants, blocks, faults)
    search = read_search(node, variants, blocks, faults)
    seeds, looks = parse_seeds(node.get("seeds", 1), faults)
    spec = SweepSpec(
        question=_to_one_line(node.get("question")),
        kind=node.get("kind", Spec.kind),
        metric=node.get("metric", Spec.metric),
        goal=node.get("goal", Spec.goal),
        baseline=_baseline(node, variants, faults),
        margin=node.get("margin"),
        target=node.get("target"),
        seeds=seeds,
        looks=looks,
        variants=variants,
        blocks=blocks,
        claim=parse_claim(node, variants, blocks, faults),
        exclude=_exclude(node.get("exclude"), faults),
        is_grid=node.get("grid") is not None,
        blocks_are_grid=is_grid(node.get("blocks")),
        search=search,
    )
    cells = max(1, len(variants)) * max(1, len(blocks)) * max(1, len(spec.seeds))
    cells += 0 if search is None else _tuning_trials(spec, search)
    faults += [] if faults else TRIALS.fault("sweep", cells)
    if search is not None and (late := [s for s in spec.seeds if s >= FIRST_SEED]):
        rule = f"be below {FIRST_SEED}, where those of tuning begin"
        faults.append(f"sweep.seeds must {rule}, got {format_value(max(late))}")
    if faults:
        raise ConfigError(faults)
    return spec


def _tuning_trials(spec: SweepSpec, search: Search) -> int:
    """Return the number of trials of all searches."""
    cells = max(1, len(spec.variants)) * max(1, len(spec.blocks))
    return cells * search.trials * len(search.seeds)


def _choices(node: Mapping[str, Any], kind: str, faults: list[str]) -> dict[str, Settings]:
    """Return the settings that ``grid``, ``variants`` or ``blocks`` defines, by name."""
    content = node.get(kind)
    if content is None:
        return {}
    if not isinstance(content, Mapping) or not content:
        faults.append(
            f"sweep.{kind} must be a mapping that is not empty, got {format_value(content)}"
        )
        return {}
    if kind == "grid" or (kind == "blocks" and is_grid(content)):
        return named_product(f"sweep.{kind}", content, faults)
    for name, settings in content.items():
        check_name(f"sweep.{kind}", name, faults)
        check_settings(f"sweep.{kind}.{format_name(name)}", settings, faults)
    return {str(n): dict(s) for n, s in content.items() if isinstance(s, Mapping)}


def _check_disjoint(
    variants: Mapping[str, Settings], blocks: Mapping[str, Settings], faults: list[str]
) -> None:
    both = {k for s in variants.values() for k in s} & {k for s in blocks.values() for k in s}
    faults.extend(
        f"sweep.blocks must be set apart from the variants, got {key} in both"
        for key in sorted(both)
    )


def _baseline(node: Mapping[str, Any], variants: Mapping[str, Settings], faults: list[str]) -> str:
    """Return the name of the variant that ``baseline`` names or whose settings it lists."""
    baseline = node.get("baseline")
    names = list(variants)
    if baseline is None and (len(names) == 1 or not needs(node.get("kind", Spec.kind)).baseline):
        return names[0] if names else ""
    if isinstance(baseline, Mapping):
        equal = [n for n in names if variants[n] == baseline]
        matching = [n for n in names if baseline and baseline.items() <= variants[n].items()]
        candidates = equal or matching
    else:
        candidates = [n for n in names if n == baseline]
    if len(candidates) != 1 and names:
        got = format_value(baseline) + (
            f", which is {_format_names(candidates)}" if candidates else ""
        )
        faults.append(f"sweep.baseline must be exactly one of {_format_names(names)}, got {got}")
    return candidates[0] if candidates else ""


def _to_one_line(text: Any) -> str:
    """Return a sentence on one line and without control characters, as plan and pages show it."""
    return escape_controls(" ".join(str(text).split()))


def _format_names(names: Sequence[str]) -> str:
    shown_names = ", ".join(map(format_name, names[:_MAX_NAMES]))
    left = len(names) - _MAX_NAMES
    return f"{shown_names} and {left:,} more" if left > 0 else shown_names


def _exclude(value: Any, faults: list[str]) -> tuple[tuple[Settings, str], ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        faults.append(f"sweep.exclude must be a list of mappings, got {format_value(value)}")
        return ()
    excluded = []
    for number, item in enumerate(value):
        settings = {key: v for key, v in item.items() if key != "reason"}
        if not settings:
            faults.append(
                f"sweep.exclude.{number} must be settings to leave out, got {format_value(item)}"
            )
        check_settings(f"sweep.exclude.{number}", settings, faults)
        excluded.append((settings, _to_one_line(item.get("reason") or "excluded by the sweep")))
    return tuple(excluded)
