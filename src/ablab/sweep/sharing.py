"""Sharing: several labs with one MLflow store train a sweep together, each trial once."""

import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ablab.errors import StoreError
from ablab.sweep.job import Job
from ablab.sweep.watcher import Watcher
from ablab.tracking.delivery_state import read_states
from ablab.tracking.lab import Lab
from ablab.tracking.ledger import INTERVAL, Ledger
from ablab.tracking.retrieve import find_retrieved, retrieve
from ablab.tracking.run import Run
from ablab.tracking.store_errors import StoreUnavailableError, translate_errors

SUPERSEDED = "superseded"
READ_INTERVAL = INTERVAL / 2  # seconds between two readings of the ledger
_PAUSE = 3 * INTERVAL  # seconds without a question after a store that did not answer
_ENDS = ("failed", "pruned", "stopped")


class Sharing(Watcher):
    """Leases the trials of one command, and retrieves those that other labs have finished.

    Args:
        ledger: of the shared store.
        lab: with the runs.
        is_finished: returns whether a finished run counts for this command.
        beats: whether a thread shows that this process lives; otherwise call `Ledger.beat`.
    """

    def __init__(
        self,
        ledger: Ledger,
        lab: Lab,
        is_finished: Callable[[Run], bool] = lambda _run: True,
        *,
        beats: bool = True,
    ) -> None:
        self._ledger, self._lab = ledger, lab
        self._is_finished = is_finished
        self._rounds: dict[str, int] = {}
        self._lock = threading.RLock()
        self._is_closed = threading.Event()
        self._read_at = self._silent_until = float("-inf")
        self._notes: list[str] = []
        if beats:
            threading.Thread(target=self._beat, name="ablab-beat", daemon=True).start()

    def may_start(self, job: Job) -> bool:
        """Return whether this lab may train a job now.

        A trial that another lab has finished is retrieved first, so that it need not be trained.
        A store that does not answer keeps nobody from training, and is left alone for a while.

        Args:
            job: one that waits; ``reason`` says who trains it if this lab may not.
        """
        if self._ledger.clock() < self._silent_until:
            return True
        try:
            with self._lock:
                return self._may_start(job)
        except StoreError as error:
            self._silent_until = self._ledger.clock() + _PAUSE
            self._note(f"{error}. Trials are trained without asking what other labs train.")
            return True

    def _may_start(self, job: Job) -> bool:
        self._read()
        key, number = job.cell.key, 1
        while (counted := self._ledger.counted(key, number)) is not None:
            run = self._retrieve(job.trial, counted)
            if run is not None and self._is_finished(run):
                return True  # the schedule finds it finished
            number += 1
        self._rounds[key] = number
        if self._ledger.claim(key, number):
            return True
        job.reason = f"{self._ledger.describe_holder(key, number)} trains it"
        return False

    def _retrieve(self, trial: Mapping[str, Any], counted: Mapping[str, str]) -> Run | None:
        """Return the run of this lab that counts in a round; None where it cannot be retrieved.

        Raises:
            StoreUnavailableError: the store does not answer.
        """
        store, run_id = self._ledger.store, counted.get("run_id", "")
        known = find_retrieved(self._lab, store, trial["key"], run_id)
        if known is not None:
            return known
        try:
            return retrieve(store, self._lab, trial, counted["experiment"], run_id)
        except StoreUnavailableError:  # not the run's fault: another one must not count beside it
            raise
        except StoreError as error:
            self._note(str(error))
            return None

    def delivered(self, run: Run, experiment: str, run_id: str) -> None:
        """Let a finished run that the store holds count, or replace it by the one that does.

        Args:
            run: of this lab.
            experiment: name of the MLflow run's experiment.
            run_id: id of the MLflow run.

        Raises:
            StoreError: the store does not answer.
        """
        store = self._ledger.store
        own = {state.run_id for state in read_states(run, store.label).values()}
        with self._lock:
            number = self._rounds.get(run.key) or self._counted_in(run.key, own)
            mine = {"run_id": run_id, "experiment": experiment}
            counted = self._ledger.count(run.key, number, mine)
            self._ledger.end(run.key, number, "finished")
            if counted["run_id"] not in own and self._retrieve(run.trial, counted) is not None:
                run.discard(f"MLflow run {counted['run_id']}, of another lab, counts")
                with translate_errors(store.address):
                    store.client.set_tag(run_id, SUPERSEDED, counted["run_id"])

    def _counted_in(self, key: str, run_ids: Collection[str]) -> int:
        """Return the round in which one of these MLflow runs counts, else the first."""
        self._read()
        number = 1
        while (counted := self._ledger.counted(key, number)) is not None:
            if counted["run_id"] in run_ids:
                return number
            number += 1
        return 1

    def ended(self, job: Job) -> None:
        """End the lease of a job that failed or was stopped; of a finished one delivery does."""
        if job.state in _ENDS and job.cell.key in self._rounds:
            try:
                with self._lock:
                    self._ledger.end(job.cell.key, self._rounds[job.cell.key], job.state)
            except StoreError as error:
                self._note(str(error))

    def close(self) -> list[str]:
        """Stop showing that this process lives, and return notes for the user."""
        self._is_closed.set()
        return list(self._notes)

    def _read(self) -> None:
        now = self._ledger.clock()
        if now - self._read_at >= READ_INTERVAL:
            self._ledger.read()
            self._read_at = now

    def _beat(self) -> None:
        while True:
            try:
                self._ledger.beat()
            except StoreError as error:  # the next beat may succeed
                self._note(str(error))
            if self._is_closed.wait(self._ledger.interval):
                return

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)
