"""Limits of an attempt at a trial: seconds until its first sign of life, and seconds in all."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ablab.sweep.launch.launcher import Worker
from ablab.tracking.run import LOG

STACK_SECONDS = 1.0  # for the stack to be written
GRACE = 10.0  # seconds from SIGTERM to SIGKILL


@dataclass(frozen=True)
class Limits:
    """The limits in the group ``launcher``; None means no limit.

    Attributes:
        time_limit: seconds that an attempt may run, > 0, from the first entry in its journal.
        start_limit: seconds from the start of an attempt to the first entry in its journal, > 0.
        max_failures: number of trials that fail for one reason, with none finished, at which a
            sweep stops, >= 1.
    """

    time_limit: float | None = None
    start_limit: float | None = None
    max_failures: int | None = None

    @classmethod
    def of(cls, launcher: Mapping[str, Any]) -> "Limits":
        """Return the limits in the group ``launcher``; a user's launcher may lack them."""
        return cls(*(launcher.get(name) for name in ("time_limit", "start_limit", "max_failures")))

    def of_group(self, trials: int) -> "Limits":
        """Return the limits of an attempt at several trials together: it may take their time."""
        return replace(self, time_limit=self.time_limit and trials * self.time_limit)


class Deadline:
    """Ends an attempt that exceeds a limit: by SIGTERM, then by SIGKILL.

    Args:
        limits: of the sweep.
        worker: the attempt.
        now: when it was started, in seconds of any monotonic clock.

    Attributes:
        reason: why it was ended, else empty.
        may_help: whether another attempt may succeed: one that did not start may, one that took
            too long would again.
    """

    def __init__(self, limits: Limits, worker: Worker, now: float) -> None:
        self._limits, self._worker, self._started = limits, worker, now
        self._began: float | None = None
        self._kill_at: float | None = None
        self.reason, self.may_help = "", False

    def check(self, now: float, *, is_alive: bool) -> None:
        """End the attempt if it exceeds a limit.

        Args:
            now: the time.
            is_alive: whether its journal has an entry of this attempt.
        """
        if is_alive and self._began is None:
            self._began = now
        if self._kill_at is not None:
            if now >= self._kill_at:
                self._worker.kill()
        elif self._began is None and _exceeds(self._limits.start_limit, now - self._started):
            limit = f"launcher.start_limit={self._limits.start_limit:g}"
            self.reason = f"gave no sign of life in time ({limit} seconds); its stack is in {LOG}"
            self.may_help, self._kill_at = True, now + STACK_SECONDS
            self._worker.dump_stack()
        elif self._began is not None and _exceeds(self._limits.time_limit, now - self._began):
            limit = f"launcher.time_limit={self._limits.time_limit:g}"
            self.reason = f"ran out of time ({limit} seconds); its checkpoint is kept"
            self._kill_at = now + GRACE
            self._worker.stop()


def _exceeds(limit: float | None, seconds: float) -> bool:
    return limit is not None and seconds >= limit
