"""The `claim:` of a sweep: checks that what would support it can be measured and decided."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ablab.config.content import is_number
from ablab.faults import unknown_name
from ablab.reference.identities import IDENTITIES
from ablab.sweep.metrics import check_metric
from ablab.text import escape_controls, format_name, format_value
from ablab.tracking import claim as claims
from ablab.tracking.baselines import MEASURED, NAMES
from ablab.tracking.claim import Claim, Expectation
from ablab.tracking.sides import ALL, BASELINE, chosen, is_baseline, varied_number
from ablab.tracking.spec import Settings, Spec

_KEYS = tuple(f.name for f in fields(Claim))
_OF_EXPECTATIONS = tuple(f.name for f in fields(Expectation))
_DIRECTED = (claims.HIGHER, claims.LOWER)
_OPTIONAL = ("hyperparameters", "controls")
_LISTS = ("full", "second", "pretrain")


def parse_claim(
    sweep: Mapping[str, Any],
    variants: Mapping[str, Settings],
    blocks: Mapping[str, Settings],
    faults: list[str],
) -> Claim | None:
    """Return the claim of a sweep, None without one; faults are appended to ``faults``.

    Args:
        sweep: the `sweep:` node, whose metric is the default of each expectation.
        variants: those of the sweep.
        blocks: likewise.
        faults: messages are appended here.
    """
    node, metric = sweep.get("claim"), sweep.get("metric", Spec.metric)
    if node is None:
        return None
    path, before = "sweep.claim", len(faults)
    if not isinstance(node, Mapping):
        rule = "a mapping of says, source and expects"
        faults.append(f"{path} must be {rule}, got {format_value(node)}")
        return None
    faults += [unknown_name(f"{path}.{key}", _KEYS, key) for key in node if key not in _KEYS]
    _check_texts(path, node, faults)
    expects = node.get("expects")
    if not isinstance(expects, list) or not expects:
        rule = "a list of what would support the claim"
        faults.append(f"{path}.expects must be {rule}, got {format_value(expects)}")
        return None
    for number, each in enumerate(expects):
        where = f"{path}.expects.{number}"
        if not isinstance(each, Mapping):
            faults.append(
                f"{where} must be a mapping of {', '.join(_OF_EXPECTATIONS)}, got "
                f"{format_value(each)}"
            )
        else:
            _check(where, {"metric": metric, **each}, variants, blocks, faults)
    if len(faults) > before:
        return None
    made = [_defaulted(each, metric) for each in expects]
    keys = [key for key in ("says", "source", *_OPTIONAL) if node.get(key)]
    texts = {key: _to_one_line(node[key]) for key in keys}
    return claims.read_claim({**node, **texts, "expects": made})


def _defaulted(each: Mapping[str, Any], metric: Any) -> dict[str, Any]:
    """Return an expectation with the sweep's metric, and its reduction as a pair."""
    own = {key: value for key, value in each.items() if value is not None}
    if own["expect"] == claims.IDENTITY:
        return own
    reduce = own.get("reduce", claims.MEAN)
    return {"metric": metric, **own, "reduce": [reduce] * 2 if isinstance(reduce, str) else reduce}


def _check_texts(path: str, node: Mapping[str, Any], faults: list[str]) -> None:
    rules = {
        "says": "the sentence that is claimed",
        "source": "the notes or the paper that assert it",
    }
    for key, rule in rules.items():
        if not isinstance(node.get(key), str) or not node[key].strip():
            faults.append(f"{path}.{key} must be {rule}, got {format_value(node.get(key))}")
    for key in _OPTIONAL:
        if not isinstance(node.get(key, ""), str):
            faults.append(f"{path}.{key} must be a sentence, got {format_value(node[key])}")
    rule = node.get("rule", ALL)
    if rule not in claims.RULES:
        rules_ = ", ".join(claims.RULES)
        faults.append(f"{path}.rule must be one of {rules_}, got {format_value(rule)}")
    number = node.get("number", 0)
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        faults.append(f"{path}.number must be an integer >= 0, got {format_value(number)}")
    for key in _LISTS:
        value = node.get(key, [])
        if not isinstance(value, list) or not all(isinstance(x, str) and "=" in x for x in value):
            rule = "a list of overrides such as dataset=digits"
            faults.append(f"{path}.{key} must be {rule}, got {format_value(value)}")


def _check(
    path: str,
    node: Mapping[str, Any],
    variants: Mapping[str, Settings],
    blocks: Mapping[str, Settings],
    faults: list[str],
) -> None:
    """Check one expectation."""
    faults += [
        unknown_name(f"{path}.{key}", _OF_EXPECTATIONS, key)
        for key in node
        if key not in _OF_EXPECTATIONS
    ]
    expect = node.get("expect")
    if expect not in claims.EXPECTED:
        known = ", ".join(claims.EXPECTED)
        faults.append(f"{path}.expect must be one of {known}, got {format_value(expect)}")
        return
    if expect == claims.IDENTITY:
        if node.get("check") not in IDENTITIES:
            faults.append(unknown_name(f"{path}.check", IDENTITIES, node.get("check")))
        return
    check_metric(f"{path}.metric", node.get("metric"), faults)
    _check_margin(path, expect, node.get("margin"), faults)
    if node.get("block") is not None and node["block"] not in blocks:
        faults.append(unknown_name(f"{path}.block", blocks, node["block"]))
    reductions = _reductions(path, node, faults)
    sides, than = {"of": node.get("of")}, node.get("than")
    if expect != claims.STABLE and isinstance(than, Mapping) and is_baseline(than):
        _check_baseline(path, than[BASELINE], node.get("metric"), faults)
    elif expect != claims.STABLE and not is_number(than):
        sides["than"] = than
    minus = node.get("minus")
    if minus is not None and (not isinstance(minus, list) or len(minus) != 2):
        faults.append(f"{path}.minus must be a list of two sides, got {format_value(minus)}")
    elif minus is not None:
        sides |= {"minus.0": minus[0], "minus.1": minus[1]}
    for key, side in sides.items():
        reduction = reductions[0 if key == "of" else 1]
        _check_side(f"{path}.{key}", side, reduction, variants, faults)


def _check_margin(path: str, expect: Any, margin: Any, faults: list[str]) -> None:
    if expect in _DIRECTED:
        if margin is not None and not (is_number(margin) and margin >= 0):
            other = _DIRECTED[1 - _DIRECTED.index(expect)]
            rule = f">= 0 where expect is {expect}, or a {other} value would support it"
            faults.append(f"{path}.margin must be {rule}, got {format_value(margin)}")
    elif margin is None or not (is_number(margin) and margin > 0):
        rule = f"a number > 0 in the metric's unit where expect is {expect}"
        faults.append(f"{path}.margin must be {rule}, got {format_value(margin)}")


def _reductions(path: str, node: Mapping[str, Any], faults: list[str]) -> tuple[Any, Any]:
    """Return how both sides are reduced, and check what the reductions need."""
    value = node.get("reduce", claims.MEAN)
    pair = value if isinstance(value, list) else [value, value]
    if len(pair) != 2 or any(each not in claims.REDUCTIONS for each in pair):
        known = ", ".join(claims.REDUCTIONS)
        faults.append(f"{path}.reduce must be one of {known}, or two, got {format_value(value)}")
        return claims.MEAN, claims.MEAN
    within = node.get("within")
    if claims.WIDTH in pair and (within is None or not (is_number(within) and within > 0)):
        rule = "a number > 0 in the metric's unit where reduce is width"
        faults.append(f"{path}.within must be {rule}, got {format_value(within)}")
    if claims.CORRELATION in pair:
        check_metric(f"{path}.against", node.get("against"), faults)
    return pair[0], pair[1]


def _check_baseline(path: str, name: Any, metric: Any, faults: list[str]) -> None:
    if name not in NAMES:
        faults.append(unknown_name(f"{path}.than.{BASELINE}", NAMES, name))
    if metric not in MEASURED:
        rule = f"{' or '.join(MEASURED)} where than is a baseline"
        faults.append(f"{path}.metric must be {rule}, got {format_value(metric)}")


def _check_side(
    path: str, side: Any, reduction: str, variants: Mapping[str, Settings], faults: list[str]
) -> None:
    names = chosen(side, variants) if isinstance(side, str | Mapping) else []
    if not names:
        faults.append(unknown_name(path, variants, "none" if side is None else _shown(side)))
    elif reduction == claims.WIDTH and min(varied_number(names, variants) or [0]) <= 0:
        rule = "variants that differ in one number > 0 alone, where reduce is width"
        faults.append(f"{path} must select {rule}, got {format_name(', '.join(names))}")
    elif reduction == claims.CORRELATION and len(names) < 3:
        rule = "three variants or more where reduce is correlation"
        faults.append(f"{path} must select {rule}, got {format_name(', '.join(names))}")


def _shown(side: Any) -> str:
    if isinstance(side, Mapping):
        return ", ".join(f"{key}={value}" for key, value in side.items())
    return str(side)


def check_planned(claim: Claim, spec: Spec, faults: list[str]) -> None:
    """Check that the plan has the variants and blocks that a claim is about.

    Args:
        claim: of the sweep.
        spec: the question as the plan stores it, without what was excluded.
        faults: messages are appended here.
    """
    for number, each in enumerate(claim.expects):
        path = f"sweep.claim.expects.{number}"
        if spec.looks is not None:
            faults.append(f"sweep.seeds must be fixed where a claim is tested, got {spec.looks}")
            return
        lost = [side for side in each.sides if not chosen(side, spec.variants)]
        faults += [f"{path} must be about variants that are planned, got {_shown(s)}" for s in lost]
        if each.block and each.block not in spec.blocks:
            faults.append(unknown_name(f"{path}.block", spec.blocks, each.block))


def _to_one_line(text: str) -> str:
    return escape_controls(" ".join(text.split()))
