"""Checks of an expectation of a claim: that it can be measured and decided."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ablab.config.content import is_number
from ablab.faults import unknown_name
from ablab.reference.identities import IDENTITIES
from ablab.sweep.metrics import check_metric
from ablab.text import format_name, format_value
from ablab.tracking import claim as claims
from ablab.tracking.baselines import MEASURED, NAMES
from ablab.tracking.claim import Expectation
from ablab.tracking.sides import BASELINE, chosen, is_baseline, varied_number
from ablab.tracking.spec import Settings

OF_EXPECTATIONS = tuple(f.name for f in fields(Expectation))
_DIRECTED = (claims.HIGHER, claims.LOWER)


def check_expectation(
    path: str,
    node: Mapping[str, Any],
    variants: Mapping[str, Settings],
    blocks: Mapping[str, Settings],
    faults: list[str],
) -> None:
    """Check one expectation of a claim.

    Args:
        path: its key.
        node: with the metric that it compares.
        variants: those of the sweep.
        blocks: likewise.
        faults: messages are appended here.
    """
    faults += [
        unknown_name(f"{path}.{key}", OF_EXPECTATIONS, key)
        for key in node
        if key not in OF_EXPECTATIONS
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
        faults.append(unknown_name(path, variants, "none" if side is None else shown(side)))
    elif reduction == claims.WIDTH and min(varied_number(names, variants) or [0]) <= 0:
        rule = "variants that differ in one number > 0 alone, where reduce is width"
        faults.append(f"{path} must select {rule}, got {format_name(', '.join(names))}")
    elif reduction == claims.CORRELATION and len(names) < 3:
        rule = "three variants or more where reduce is correlation"
        faults.append(f"{path} must select {rule}, got {format_name(', '.join(names))}")


def shown(side: Any) -> str:
    """Return a side as its YAML has it."""
    if isinstance(side, Mapping):
        return ", ".join(f"{key}={value}" for key, value in side.items())
    return str(side)
