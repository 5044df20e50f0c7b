"""Samplers without a model: grid, random, one at a time."""

import random
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from ablab.sweep.tune.space import Range, Space
from ablab.tracking.search import Asked


def grid_values(space: Space, number: int) -> dict[str, Any]:
    """Return one combination of lists; the last key varies fastest.

    Args:
        space: lists alone.
        number: of the combination, from 0.
    """
    combinations = list(product(*(dimension.corners() for dimension in space.values())))
    return dict(zip(space, combinations[number], strict=True))


def random_values(space: Space, seed: str) -> dict[str, Any]:
    """Return values drawn independently: uniform, log-uniform where a range says so.

    Args:
        space: what is searched.
        seed: the same seed gives the same values.
    """
    generator = random.Random(seed)
    drawn = {}
    for key, dimension in space.items():
        share = generator.random()
        if isinstance(dimension, Range):
            drawn[key] = dimension.at(share)
        else:
            drawn[key] = dimension.values[int(share * len(dimension.values))]
    return drawn


def one_at_a_time_values(
    space: Space, base: Mapping[str, Any], told: Sequence[Asked], number: int, direction: int
) -> dict[str, Any]:
    """Return the values of a search that varies one key after the other.

    The keys before the one that is varied keep their best values, those after it the
    configuration's own.

    Args:
        space: lists alone, in the order in which they are varied.
        base: the configuration's own value of each key.
        told: the trials so far that have ended.
        number: of the trial, from 0.
        direction: 1 if higher is better, -1 if lower is.
    """
    values, start = dict(base), 0
    for key, dimension in space.items():
        own = dimension.corners()
        if number < start + len(own):
            return {**values, key: own[number - start]}
        tried = [each for each in told if start <= each.number < start + len(own)]
        best = best_of(tried, direction)
        if best is not None:
            values[key] = best.values[key]
        start += len(own)
    raise AssertionError(f"the space has no trial {number}")


def starts_key(space: Space, number: int) -> bool:
    """Return whether a trial is the first that varies its key."""
    starts, start = set(), 0
    for dimension in space.values():
        starts.add(start)
        start += len(dimension.corners())
    return number in starts


def best_of(told: Sequence[Asked], direction: int) -> Asked | None:
    """Return the finished trial with the best figure, the first of several, or None."""
    finished = [each for each in told if each.state == "finished" and each.value is not None]
    return max(finished, key=lambda each: direction * (each.value or 0.0), default=None)
