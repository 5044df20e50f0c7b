"""Where one command checks configurations and measures steps: torch is imported once at most."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar, TypeVarTuple

from ablab.config.check_records import recorded, recorded_numbers
from ablab.config.checks import Checked, check, checked
from ablab.data.errors import DataError
from ablab.faults import ConfigError
from ablab.sweep.forecast import StepCost, measure, measured
from ablab.sweep.fusion import StepSeconds, measure_together, measured_together
from ablab.sweep.launch.fork_calls import CallError, ForkCalls

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


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
        with ForkCalls() as calls, _by_records(calls):
            yield
    else:
        with _by_records(None):
            yield


@contextmanager
def _by_records(calls: ForkCalls | None) -> Iterator[None]:
    """Check and measure in the block by records, else by calls; here if there are none."""

    def check_there(config: Mapping[str, Any]) -> Checked:
        found, faults, error = _there(calls, _outcome)(config)
        if faults:
            raise ConfigError(faults)
        if found is None:
            raise DataError(error)
        return found

    def together(config: Mapping[str, Any], trials: int) -> StepSeconds:
        name = f"together_{trials}"
        call = _there(calls, measure_together)
        return recorded_numbers(name, StepSeconds, lambda c: call(c, trials))(config)

    with (
        checked.done_by(recorded(check_there)),
        measured.done_by(recorded_numbers("cost", StepCost, _there(calls, measure))),
        measured_together.done_by(together),
    ):
        yield


def _outcome(config: Mapping[str, Any]) -> tuple[Checked | None, tuple[str, ...], str]:
    """Return what a check finds, or its faults, or the message of a `DataError`."""
    try:
        return check(config), (), ""
    except ConfigError as error:
        return None, error.faults, ""
    except DataError as error:
        return None, (), str(error)


def _there(
    calls: ForkCalls | None, function: Callable[[Mapping[str, Any], *Ts], T]
) -> Callable[[Mapping[str, Any], *Ts], T]:
    """Return a function that is called by ``calls``, and in this process where that cannot be."""

    def call(config: Mapping[str, Any], *arguments: *Ts) -> T:
        if calls is not None:
            with suppress(CallError):
                return calls.call(config, function, config, *arguments)
        return function(config, *arguments)

    return call
