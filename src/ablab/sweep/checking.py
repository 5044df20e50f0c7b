"""Where one command checks configurations and measures steps: torch is imported once at most."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ablab.config.check_records import recorded, recorded_numbers
from ablab.config.checks import Checked, check, checked_by
from ablab.data.errors import DataError
from ablab.faults import ConfigError
from ablab.sweep.forecast import StepCost, measure, measured_by
from ablab.sweep.fusion import StepSeconds, measure_together, measured_together_by
from ablab.sweep.launch.fork_calls import CallError, ForkCalls


@contextmanager
def checking(*, will_train: bool) -> Iterator[None]:
    """Check and measure the block's configurations by their records, else outside this process.

    Both are done in a fork of the server that forks the trials. Where that cannot be, and after an
    error that is no fault of the configuration, this process does it, and shows the error as it
    is. Does nothing where this process has imported torch already.

    Args:
        will_train: whether trials may be started; otherwise there is no server.
    """
    if "torch" in sys.modules:
        yield
    elif will_train:
        with (
            ForkCalls() as calls,
            _by_records(
                _forked_check(calls), _forked_measure(calls), _forked_measure_together(calls)
            ),
        ):
            yield
    else:
        with _by_records(check, measure, measure_together):
            yield


@contextmanager
def _by_records(
    check: Callable[[Mapping[str, Any]], Checked],
    measure: Callable[[Mapping[str, Any]], StepCost],
    measure_together: Callable[[Mapping[str, Any], int], StepSeconds],
) -> Iterator[None]:
    def together(config: Mapping[str, Any], trials: int) -> StepSeconds:
        name = f"together_{trials}"
        return recorded_numbers(name, StepSeconds, lambda c: measure_together(c, trials))(config)

    with (
        checked_by(recorded(check)),
        measured_by(recorded_numbers("cost", StepCost, measure)),
        measured_together_by(together),
    ):
        yield


def _forked_check(calls: ForkCalls) -> Callable[[Mapping[str, Any]], Checked]:
    def check_there(config: Mapping[str, Any]) -> Checked:
        try:
            found, faults, error = calls.call(config, _outcome, config)
        except CallError:
            return check(config)
        if faults:
            raise ConfigError(faults)
        if found is None:
            raise DataError(error)
        return found

    return check_there


def _outcome(config: Mapping[str, Any]) -> tuple[Checked | None, tuple[str, ...], str]:
    """Return what a check finds, or its faults, or the message of a `DataError`."""
    try:
        return check(config), (), ""
    except ConfigError as error:
        return None, error.faults, ""
    except DataError as error:
        return None, (), str(error)


def _forked_measure(calls: ForkCalls) -> Callable[[Mapping[str, Any]], StepCost]:
    def measure_there(config: Mapping[str, Any]) -> StepCost:
        try:
            return calls.call(config, measure, config)
        except CallError:
            return measure(config)

    return measure_there


def _forked_measure_together(calls: ForkCalls) -> Callable[[Mapping[str, Any], int], StepSeconds]:
    def measure_there(config: Mapping[str, Any], trials: int) -> StepSeconds:
        try:
            return calls.call(config, measure_together, config, trials)
        except CallError:
            return measure_together(config, trials)

    return measure_there
