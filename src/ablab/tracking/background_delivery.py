"""Background delivery: a thread that delivers runs to MLflow while they are trained.

Training never waits for it, and its errors never reach the trainer. What it could not deliver
is on the disk, and `ablab.tracking.sync` delivers it later.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ablab.errors import AblabError, ResourceError, StoreError
from ablab.tracking.completion import COMPLETION
from ablab.tracking.delivery import deliver
from ablab.tracking.mlflow_runs import RunDeletedError
from ablab.tracking.run import Run
from ablab.tracking.store import Store
from ablab.tracking.store_errors import StoreUnavailableError

DELIVERING = "Delivering to MLflow; Ctrl-C leaves the rest to `ablab sync`."
_LONGEST_PAUSE = 30.0
_QUIET = 2.0  # seconds that the end of a command may take without a message


@dataclass
class DeliveryJob:
    """Stores a run to deliver, and the outcome of its last delivery.

    Attributes:
        run: the run.
        experiment: name of the experiment.
        name: name of the MLflow run.
        tags: its tags.
        delivered: the `stamps` at the last attempt, None before the first.
        reason: why the store lacks something of the run, empty if it does not.
    """

    run: Run
    experiment: str
    name: str
    tags: Mapping[str, str]
    delivered: tuple[int, int] | None = None
    reason: str = "the delivery had not started"

    def stamps(self) -> tuple[int, int]:
        """Return times of the files whose change means that there is something to deliver."""
        return _modified(self.run.journal), _modified(self.run.folder / COMPLETION)


class BackgroundDelivery:
    """Delivers the runs of its queue about once a second, whenever they have changed.

    It opens the store in its own thread, so that a slow import or an unavailable store delays
    nobody. While the store is unavailable the pauses grow, up to half a minute. Do not fork a
    process that has one: neither its thread nor the store's SQLite connections survive a fork.

    Args:
        open_store: opens the store.
        interval: seconds from one round to the next.
        finish: called last, with the store, if that is available.
        complete: called with the store, a finished run that it holds completely, and the id of the
            MLflow run.
    """

    def __init__(
        self,
        open_store: Callable[[], Store],
        interval: float = 1.0,
        finish: Callable[[Store], None] = lambda store: None,
        complete: Callable[[Store, Run, str], None] = lambda store, run, run_id: None,
    ) -> None:
        self._open_store, self._finish, self._complete = open_store, finish, complete
        self._interval = interval
        self._store: Store | None = None
        self._queue: dict[tuple[Path, str], DeliveryJob] = {}
        self._deleted: list[Run] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._is_closing = False
        self._store_error: StoreError | None = None
        self._thread = threading.Thread(target=self._loop, name="ablab-delivery", daemon=True)
        self._thread.start()

    def submit(self, run: Run, experiment: str, *, name: str, tags: Mapping[str, str]) -> None:
        """Add a run to the queue and return at once.

        A run that is submitted again is delivered even if its journal has not grown: its process
        may have ended, which no file shows.
        """
        with self._lock:
            self._queue[run.folder, experiment] = DeliveryJob(run, experiment, name, tags)

    def deleted(self) -> list[Run]:
        """Return the runs whose MLflow run the user deleted, each once."""
        with self._lock:
            deleted, self._deleted = self._deleted, []
        return deleted

    @property
    def notices(self) -> list[str]:
        """The store's messages for the user."""
        return [] if self._store is None else list(self._store.notices)

    def close(
        self, timeout: float, on_wait: Callable[[], None] = lambda: None
    ) -> list[DeliveryJob]:
        """Deliver what is left, and stop.

        A store that is unavailable is asked once more: `ablab.tracking.sync` delivers later.

        Args:
            timeout: longest time to deliver, in seconds.
            on_wait: called if that takes longer than two seconds.

        Returns:
            The runs of which the store lacks something.
        """
        with self._lock:
            for job in self._queue.values():
                job.delivered, job.reason = None, "there was no time left"
        self._is_closing = True
        self._wake.set()
        self._thread.join(min(timeout, _QUIET))
        if self._thread.is_alive() and timeout > _QUIET:
            on_wait()
            self._thread.join(timeout - _QUIET)
        with self._lock:
            return [replace(job) for job in self._queue.values() if job.reason]

    def _loop(self) -> None:
        pause = self._interval
        while not self._is_closing:
            self._wake.wait(pause)
            is_available = self._deliver_changed()
            pause = self._interval if is_available else min(2 * pause, _LONGEST_PAUSE)
        if self._deliver_changed() and self._store is not None:
            with suppress(AblabError, OSError):  # `ablab sync` does it too
                self._finish(self._store)

    def _deliver_changed(self) -> bool:
        """Deliver the runs that have changed; return whether the store was available."""
        with self._lock:
            changed = [job for job in self._queue.values() if job.delivered != job.stamps()]
        try:
            for job in changed:
                self._deliver(job, self._opened_store())
        except (StoreError, ResourceError, OSError) as error:
            for job in changed:
                job.reason = job.reason if job.delivered == job.stamps() else str(error)
            return False
        return True

    def _opened_store(self) -> Store:
        """Return the store; one that cannot be used is opened once and not tried again.

        Raises:
            StoreError: it cannot be used.
        """
        if self._store_error is not None:
            raise self._store_error
        if self._store is None:
            try:
                self._store = self._open_store()
            except StoreUnavailableError:
                raise
            except StoreError as error:
                self._store_error = error
                raise
        return self._store

    def _deliver(self, job: DeliveryJob, store: Store) -> None:
        stamps, run = job.stamps(), job.run
        try:
            result = deliver(run, store, job.experiment, name=job.name, tags=job.tags)
            if result.complete and result.run_id is not None:
                self._complete(store, run, result.run_id)
        except StoreUnavailableError:
            raise
        except RunDeletedError:
            with self._lock:
                self._deleted.append(run)
            self._remove(job)
        except AblabError as error:
            job.delivered, job.reason = stamps, str(error)
        except Exception as error:  # delivery errors must never reach the trainer
            job.delivered, job.reason = stamps, f"{type(error).__name__}: {error}"
        else:
            job.delivered, job.reason = stamps, ""
            if result.complete:
                self._remove(job)

    def _remove(self, job: DeliveryJob) -> None:
        with self._lock:
            # It may have been submitted again meanwhile: that job stays.
            key = job.run.folder, job.experiment
            if self._queue.get(key) is job:
                del self._queue[key]


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
