"""The delivery queue: a thread that delivers runs to MLflow while they are trained.

What it could not deliver is on the disk, and `ablab.tracking.sync` delivers it later.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ablab.errors import AblabError, ResourceError, StoreError
from ablab.tracking.background_delivery import Outcome, Report
from ablab.tracking.completion import COMPLETION
from ablab.tracking.delivery import deliver
from ablab.tracking.mlflow_runs import RunDeletedError
from ablab.tracking.run import Run
from ablab.tracking.store import Store
from ablab.tracking.store_errors import StoreUnavailableError

_LONGEST_PAUSE = 30.0


@dataclass
class DeliveryJob:
    """Stores a run to deliver.

    Attributes:
        run: the run.
        experiment: name of the experiment.
        name: name of the MLflow run.
        tags: its tags.
        delivered: the `stamps` at the last attempt, None before the first.
    """

    run: Run
    experiment: str
    name: str
    tags: Mapping[str, str]
    delivered: tuple[int, int] | None = None

    def stamps(self) -> tuple[int, int]:
        """Return times of the files whose change means that there is something to deliver."""
        return _modified(self.run.journal), _modified(self.run.folder / COMPLETION)


class DeliveryQueue:
    """Delivers the runs of its queue about once a second, whenever they have changed.

    Its thread opens the store. While the store is unavailable the pauses grow, up to half a minute.
    Do not fork a process that has one: neither its thread nor the store's SQLite connections
    survive a fork.

    Args:
        open_store: opens the store.
        report: called with the outcome of each attempt.
        interval: seconds from one round to the next.
        finish: called last, with the store, if that is available.
    """

    def __init__(
        self,
        open_store: Callable[[], Store],
        report: Report,
        *,
        interval: float = 1.0,
        finish: Callable[[Store], None] = lambda store: None,
    ) -> None:
        self._open_store, self._report, self._finish = open_store, report, finish
        self._interval = interval
        self._store: Store | None = None
        self._queue: dict[tuple[Path, str], DeliveryJob] = {}
        self._lock = threading.Lock()
        self._is_closing = threading.Event()
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

    @property
    def notices(self) -> list[str]:
        """The store's messages for the user."""
        return [] if self._store is None else list(self._store.notices)

    def close(self) -> None:
        """Deliver all runs of the queue once more, and stop.

        A store that is unavailable is asked once: `ablab.tracking.sync` delivers later.
        """
        self._is_closing.set()
        self._thread.join()

    def _loop(self) -> None:
        pause = self._interval
        while not self._is_closing.wait(pause):
            is_available = self._deliver_all()
            pause = self._interval if is_available else min(2 * pause, _LONGEST_PAUSE)
        if self._deliver_all(is_last=True) and self._store is not None:
            with suppress(AblabError, OSError):  # `ablab sync` does it too
                self._finish(self._store)

    def _deliver_all(self, *, is_last: bool = False) -> bool:
        """Deliver what has changed, the last time everything; return whether the store answered."""
        with self._lock:
            jobs = [j for j in self._queue.values() if is_last or j.delivered != j.stamps()]
        for number, job in enumerate(jobs):
            try:
                self._deliver(job, self._opened_store(), is_last=is_last)
            except (StoreError, ResourceError, OSError) as error:
                for missed in jobs[number:]:
                    self._tell(missed, str(error), is_last=is_last)
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

    def _deliver(self, job: DeliveryJob, store: Store, *, is_last: bool) -> None:
        stamps, reason, run_id = job.stamps(), "", ""
        is_deleted = False
        try:
            result = deliver(job.run, store, job.experiment, name=job.name, tags=job.tags)
            run_id = (result.run_id or "") if result.complete else ""
        except StoreUnavailableError:
            raise
        except RunDeletedError:
            is_deleted = True
        except AblabError as error:
            reason = str(error)
        except Exception as error:  # delivery errors must never reach the trainer
            reason = f"{type(error).__name__}: {error}"
        job.delivered = stamps
        if run_id or is_deleted:
            self._remove(job)
        self._tell(job, reason, run_id, is_deleted=is_deleted, is_last=is_last)

    def _tell(
        self,
        job: DeliveryJob,
        reason: str,
        run_id: str = "",
        *,
        is_deleted: bool = False,
        is_last: bool,
    ) -> None:
        folder = str(job.run.folder)
        self._report(Outcome(folder, job.experiment, reason, run_id, is_deleted, is_last))

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
