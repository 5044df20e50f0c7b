"""`ablab reproduce`."""

import argparse
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ablab.cli.command import add, add_allow, add_overrides, console
from ablab.errors import FAILED, FINISHED, InputError
from ablab.folders import lab_folder
from ablab.importing import without_gc
from ablab.text import format_count, format_name, format_value

if TYPE_CHECKING:
    from ablab.cli.command import Commands
    from ablab.tracking.repetition import Repetition

_TOLERANCE = 0.01
_LABELS = {"source_hash": "source of ablab", "data": "data, SHA-256"}


def add_to(commands: "Commands") -> None:
    """Add the command to the parser."""
    text = "train a finished trial anew from its record, and compare the results"
    command = add(commands, "reproduce", _reproduce, text)
    command.description = (
        "Train a finished trial anew from its record, and compare metrics of every epoch, final "
        "metrics, predictions and weights. The new run lies in lab/reproductions; it replaces "
        "nothing. Exit code 0: equal to the bit, or within the tolerance; 1: different."
    )
    command.add_argument("key", help="key of a finished trial, or the first characters of it")
    command.add_argument(
        "--tolerance",
        type=float,
        default=_TOLERANCE,
        help="largest difference |new - old| / max(1, |old|) of a metric, and share of test images "
        f"whose prediction changed, that counts as equal; {_TOLERANCE} by default",
    )
    command.add_argument(
        "--anyway",
        action="store_true",
        help="train even if data or source code are not those of the record",
    )
    add_allow(command)
    add_overrides(command, "devices=cpu, dataset.path=PATH; no other key")


def _reproduce(options: argparse.Namespace) -> int:
    tolerance = options.tolerance
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise InputError(f"--tolerance must be a number >= 0, got {format_value(tolerance)}")
    from ablab.tracking.lab import Lab
    from ablab.tracking.repetition import compare_runs

    lab, out = Lab(lab_folder()), console()
    key = lab.find_key(options.key)
    with without_gc():
        from ablab.training.reproduce import reproduce

    code, old, new = reproduce(lab, key, options.overrides, anyway=options.anyway, console=out)
    if code != FINISHED:
        reason = "failed" if code == FAILED else "stopped; the same command continues"
        out.print(f"Not reproduced: the training {reason}. Its log: {new.folder / 'log.txt'}")
        return code
    result = compare_runs(old, new)
    for line in lines(result, tolerance):
        out.print(line, soft_wrap=True)
    return FINISHED if result.is_within(tolerance) or result.is_equal else FAILED


def lines(result: "Repetition", tolerance: float) -> Iterator[str]:
    """Yield the result of a comparison, and what could explain a difference."""
    if result.is_equal:
        yield f"Equal to the bit: {_compared(result)}."
    elif result.is_within(tolerance):
        yield f"Equal within {tolerance:g}, not to the bit: {_compared(result)}."
    else:
        yield f"Different: more than {tolerance:g} apart, of {_compared(result)}."
    yield from _details(result)
    if result.missing:
        yield f"Not compared, recorded in one run only: {', '.join(result.missing[:5])}"
    if result.causes:
        yield "What else differs, recorded -> now:"
        width = max(len(_label(name)) for name in result.causes)
        for name, (old, new) in result.causes.items():
            yield f"  {_label(name):<{width}}  {_value(old)} -> {_value(new)}"
    elif not result.is_equal:
        yield (
            "Versions, hardware, threads, data and source code are as recorded: an operation or a "
            "component of yours is not deterministic."
        )


def _compared(result: "Repetition") -> str:
    parts = [
        format_count(result.num_epochs[0], "epoch"),
        format_count(result.num_final, "final metric"),
    ]
    if result.num_images:
        parts.append(format_count(result.num_images, "prediction"))
    if result.same_weights is not None:
        parts.append("the weights")
    return ", ".join(parts)


def _details(result: "Repetition") -> Iterator[str]:
    """Yield where the results differ."""
    if not result.is_comparable:
        yield f"Outcome {' -> '.join(result.outcomes)}, {_arrow(*result.num_epochs)} epochs"
    if result.differences:
        yield f"First difference: {result.differences[0]}"
        yield f"Largest difference: {result.largest}"
    if result.num_changed:
        images = format_count(result.num_changed, "test image")
        yield f"Predictions: right or wrong changed for {images}"
    elif result.same_confusions is False:
        yield "Predictions: other wrong classes for some test images"
    if result.same_weights is False:
        yield "Weights: not equal to the bit"


def _arrow(old: Any, new: Any) -> str:
    return f"{old} -> {new}"


def _label(name: str) -> str:
    return _LABELS.get(name, format_name(name))


def _value(value: Any) -> str:
    return "none" if value in (None, "") else format_name(value)
