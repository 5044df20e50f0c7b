"""The `claim:` of a sweep: checks that what would support it can be measured and decided."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ablab.faults import unknown_name
from ablab.sweep.expectation import OF_EXPECTATIONS, check_expectation, shown
from ablab.text import escape_controls, format_value
from ablab.tracking import claim as claims
from ablab.tracking.claim import Claim
from ablab.tracking.sides import ALL, chosen
from ablab.tracking.spec import Settings, Spec

_KEYS = tuple(f.name for f in fields(Claim))
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
                f"{where} must be a mapping of {', '.join(OF_EXPECTATIONS)}, got "
                f"{format_value(each)}"
            )
        else:
            check_expectation(where, {"metric": metric, **each}, variants, blocks, faults)
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
        faults += [f"{path} must be about variants that are planned, got {shown(s)}" for s in lost]
        if each.block and each.block not in spec.blocks:
            faults.append(unknown_name(f"{path}.block", spec.blocks, each.block))


def _to_one_line(text: str) -> str:
    return escape_controls(" ".join(text.split()))
