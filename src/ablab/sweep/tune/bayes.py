"""Optuna's part of a search: TPE, pruning, importance. The only module that imports it.

A study lives in memory and is made anew from the record of the search, so that a search that was
killed goes on as it would have.
"""

import hashlib
import math
import warnings
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from ablab.sweep.tune.space import Dimension, Range, Space, Values
from ablab.tracking.files import replacing
from ablab.tracking.search import Asked

_MOST_STARTUP = 10  # trials that TPE draws at random before its model; Optuna's default
_REDUCTION = 4  # of successive halving: one trial of four goes on; Optuna's default


@cache
def _optuna() -> ModuleType:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def tpe_values(
    space: Space,
    told: Sequence[Asked],
    beside: Sequence[Asked],
    *,
    seed: str,
    trials: int,
    goal: str,
) -> dict[str, Any]:
    """Return the values that the tree-structured Parzen estimator proposes next.

    The first third of the budget, ten trials at the most, is drawn at random.

    Args:
        space: what is searched.
        told: the trials that have ended, in the order in which they were asked.
        beside: those of the same round, without what came of them.
        seed: the same seed and trials give the same values.
        trials: budget of the search.
        goal: ``max`` or ``min``.
    """
    startup = max(1, min(_MOST_STARTUP, trials // 3))
    sampler = _optuna().samplers.TPESampler(n_startup_trials=startup, seed=_number(seed))
    study = make_study(space, told, goal, sampler=sampler)
    for asked in beside:  # whose region the sampler then avoids
        study.add_trial(_frozen(space, asked))
    trial = study.ask({key: _distribution(each) for key, each in space.items()})
    return {key: _plain(space[key], value) for key, value in trial.params.items()}


def first_pruned(
    space: Space,
    told: Sequence[Asked],
    curve: Sequence[float],
    *,
    pruning: str,
    goal: str,
    warmup: int = 0,
) -> int | None:
    """Return the number of epochs after which a trial is pruned, or None.

    Args:
        space: what is searched.
        told: the earlier trials, in the order in which they were asked.
        curve: the trial's figure after each epoch so far.
        pruning: ``median`` or ``halving``: Optuna's pruner of that name with its defaults, halving
            from one epoch on.
        goal: ``max`` or ``min``.
        warmup: epochs before which the median prunes none.
    """
    pruners = _optuna().pruners
    if pruning == "median":
        study = make_study(space, told, goal, pruner=pruners.MedianPruner(n_warmup_steps=warmup))
        return _report(study.ask(), curve, range(1, len(curve) + 1))
    pruner = pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=_REDUCTION)
    study = make_study(space, (), goal, pruner=pruner)
    for asked in told:  # reported again, since a rung remembers who reached it
        _report(study.ask(), asked.curve, _rungs(asked.curve))
    return _report(study.ask(), curve, _rungs(curve))


def _rungs(curve: Sequence[float]) -> list[int]:
    """Return the epochs after which successive halving decides."""
    rungs = [1]
    while rungs[-1] * _REDUCTION <= len(curve):
        rungs.append(rungs[-1] * _REDUCTION)
    return rungs if curve else []


def importance(space: Space, told: Sequence[Asked], goal: str) -> dict[str, float]:
    """Return how much each key explains of the figure's variance; empty if that is not known.

    The shares are of fANOVA, sum to 1, and need two finished trials that differ.
    """
    optuna = _optuna()
    finished = [each for each in told if each.state == "finished"]
    if len({each.value for each in finished}) < 2 or len(space) < 2:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    study = make_study(space, finished, goal)
    shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {key: float(shares[key]) for key in shares if math.isfinite(shares[key])}


def write_studies(path: Path, studies: dict[str, tuple[Space, Sequence[Asked], str]]) -> None:
    """Write studies to a file that `optuna-dashboard` opens, in place of an earlier one.

    Args:
        path: of the file.
        studies: name to space, trials that have ended, and goal.
    """
    optuna = _optuna()
    with replacing(path) as new:
        backend = optuna.storages.journal.JournalFileBackend(str(new))
        storage = optuna.storages.JournalStorage(backend)
        for name, (space, told, goal) in studies.items():
            make_study(space, told, goal, storage=storage, study_name=name)


def make_study(space: Space, told: Sequence[Asked], goal: str, **options: Any) -> Any:
    """Return a study that holds these trials."""
    direction = "minimize" if goal == "min" else "maximize"
    study = _optuna().create_study(direction=direction, **options)
    space = {key: _covering(dimension, key, told) for key, dimension in space.items()}
    study.add_trials([_frozen(space, asked) for asked in told])
    return study


def _covering(dimension: Dimension, key: str, told: Sequence[Asked]) -> Dimension:
    """Return the dimension with the values that were tried though its list lacks them.

    One at a time begins at the configuration's own values.
    """
    if isinstance(dimension, Range):
        return dimension
    tried = [each.values[key] for each in told]
    more = [v for n, v in enumerate(tried) if v not in dimension.values and v not in tried[:n]]
    return Values((*dimension.values, *more))


def _frozen(space: Space, asked: Asked) -> Any:
    """Return a trial as Optuna stores it; one that diverged counts as pruned: worse than others."""
    states = {"finished": "COMPLETE", "failed": "FAIL", "": "RUNNING"}
    state = states.get(asked.state, "PRUNED")
    return _optuna().trial.create_trial(
        state=_optuna().trial.TrialState[state],
        value=asked.value if state == "COMPLETE" else None,
        params={key: _choice(space[key], value) for key, value in asked.values.items()},
        distributions={key: _distribution(dimension) for key, dimension in space.items()},
        intermediate_values=dict(enumerate(asked.curve, start=1)),
        user_attrs={"keys": [trial["key"] for trial in asked.trials]},
    )


def _report(trial: Any, curve: Sequence[float], epochs: Iterable[int]) -> int | None:
    """Report a curve at these epochs until the trial is to be pruned; return when, or None."""
    with warnings.catch_warnings():  # of a NaN, for which the trial is pruned
        warnings.filterwarnings("ignore", "All-NaN slice encountered", RuntimeWarning)
        for epoch in epochs:
            trial.report(curve[epoch - 1], epoch)
            if trial.should_prune():
                return epoch
    return None


def _distribution(dimension: Dimension) -> Any:
    distributions = _optuna().distributions
    if not isinstance(dimension, Range):
        with warnings.catch_warnings():  # a list as a choice is not of Optuna's preferred types
            warnings.simplefilter("ignore")
            return distributions.CategoricalDistribution(
                [_choice(dimension, value) for value in dimension.values]
            )
    if dimension.is_whole:
        return distributions.IntDistribution(
            int(dimension.low), int(dimension.high), log=dimension.log
        )
    return distributions.FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _choice(dimension: Dimension, value: Any) -> Any:
    """Return a value as Optuna takes it: an index where its choices cannot hold it."""
    return str(value) if isinstance(value, list) and not isinstance(dimension, Range) else value


def _plain(dimension: Dimension, value: Any) -> Any:
    """Return a value of Optuna's as the space has it."""
    if isinstance(dimension, Range):
        return dimension.near(value)
    return next(each for each in dimension.values if _choice(dimension, each) == value)


def _number(seed: str) -> int:
    return int(hashlib.sha256(seed.encode()).hexdigest()[:8], 16)
