"""Live delivery: a thread that brings runs into a store while they are trained.

Training never waits for it, and nothing it meets reaches the trainer. What it could not
deliver is on the disk all the same, and `ablab.tracking.sync` delivers it later.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ablab.errors import AblabError, ResourceError, StoreError
from ablab.tracking.completion import COMPLETION
from ablab.tracking.delivery import deliver
from ablab.tracking.lab import Run
from ablab.tracking.mlflow_runs import RunDeletedError
from ablab.tracking.refusals import StoreAwayError
from ablab.tracking.store import Store

DELIVERING = "Delivering to MLflow; Ctrl-C leaves the rest to `ablab sync`."
_LONGEST_PAUSE = 30.0
_QUIET = 2.0  # seconds that the end of a command may take without a word


@dataclass(frozen=True)
class Undelivered:
    """A run of which the store lacks something, and why."""

    run: Run
    experiment: str
    reason: str


@dataclass
class _Parcel:
    run: Run
    experiment: str
    name: str
    tags: Mapping[str, str]
    seen: tuple[int, int] | None = None
    reason: str = "its turn had not come"

    def state(self) -> tuple[int, int]:
        """Return what changes when there is something to deliver."""
        return _stamp(self.run.journal), _stamp(self.run.folder / COMPLETION)


class Courier:
    """Delivers the newest state of the takes it was given, about once a second.

    It opens the store in its own thread, so that a slow import or an absent store delays
    nobody; while the store is away it asks less and less often, at least twice a minute.
    Do not fork a process that has one.

    Args:
        open_store: opens the store.
        interval: seconds from one round to the next.
    """

    def __init__(self, open_store: Callable[[], Store], interval: float = 1.0) -> None:
        self._open_store = open_store
        self._interval = interval
        self._store: Store | None = None
        self._parcels: dict[tuple[Path, str], _Parcel] = {}
        self._deleted: list[Run] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._is_ending = False
        self._refusal: StoreError | None = None
        self._thread = threading.Thread(target=self._work, name="ablab-courier", daemon=True)
        self._thread.start()

    def submit(self, run: Run, experiment: str, *, name: str, tags: Mapping[str, str]) -> None:
        """Watch a run from now on; returns at once.

        Submitted again, a run is delivered again though its journal has not grown: so does
        who knows that its process has ended.
        """
        with self._lock:
            self._parcels[run.folder, experiment] = _Parcel(run, experiment, name, tags)

    def deleted(self) -> list[Run]:
        """Return the runs whose run the user was found to have deleted, each once."""
        with self._lock:
            found, self._deleted = self._deleted, []
        return found

    @property
    def notices(self) -> list[str]:
        """What the store has to tell the user."""
        return [] if self._store is None else list(self._store.notices)

    def close(self, timeout: float, waits: Callable[[], None] = lambda: None) -> list[Undelivered]:
        """Deliver what there is, for ``timeout`` seconds at most, and end.

        A store that is away then is not waited for: `ablab.tracking.sync` delivers later.

        Args:
            timeout: in seconds.
            waits: called where that takes longer than a user expects.

        Returns:
            What the store lacks now.
        """
        with self._lock:
            for parcel in self._parcels.values():
                parcel.seen, parcel.reason = None, "there was no time left"
        self._is_ending = True
        self._wake.set()
        self._thread.join(min(timeout, _QUIET))
        if self._thread.is_alive() and timeout > _QUIET:
            waits()
            self._thread.join(timeout - _QUIET)
        with self._lock:
            return [
                Undelivered(parcel.run, parcel.experiment, parcel.reason)
                for parcel in self._parcels.values()
                if parcel.reason
            ]

    def _work(self) -> None:
        pause = self._interval
        while not self._is_ending:
            self._wake.wait(pause)
            away = self._round()
            pause = min(2 * pause, _LONGEST_PAUSE) if away else self._interval
        self._round()

    def _round(self) -> bool:
        """Deliver once what has changed; tell whether the store was away."""
        with self._lock:
            due = [p for p in self._parcels.values() if p.seen != p.state()]
        try:
            for parcel in due:
                self._deliver(parcel, self._opened())
        except (StoreError, ResourceError, OSError) as error:
            for parcel in due:
                parcel.reason = parcel.reason if parcel.seen == parcel.state() else str(error)
            return True
        return False

    def _opened(self) -> Store:
        """Return the store; what refused to be opened for good is not asked again.

        Raises:
            StoreError: it cannot be used.
        """
        if self._refusal is not None:
            raise self._refusal
        if self._store is None:
            try:
                self._store = self._open_store()
            except StoreAwayError:
                raise
            except StoreError as error:
                self._refusal = error
                raise
        return self._store

    def _deliver(self, parcel: _Parcel, store: Store) -> None:
        state, run = parcel.state(), parcel.run
        try:
            done = deliver(run, store, parcel.experiment, name=parcel.name, tags=parcel.tags)
        except StoreAwayError:
            raise
        except RunDeletedError:
            with self._lock:
                self._deleted.append(run)
            self._forget(parcel)
        except AblabError as error:
            parcel.seen, parcel.reason = state, str(error)
        except Exception as error:  # whatever it is, it is not the trainer's concern
            parcel.seen, parcel.reason = state, f"{type(error).__name__}: {error}"
        else:
            parcel.seen, parcel.reason = state, ""
            if done.complete:
                self._forget(parcel)

    def _forget(self, parcel: _Parcel) -> None:
        with self._lock:
            place = parcel.run.folder, parcel.experiment
            if self._parcels.get(place) is parcel:
                del self._parcels[place]


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
