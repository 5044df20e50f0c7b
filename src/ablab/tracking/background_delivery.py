"""Background delivery: a process that delivers runs to MLflow while they are trained.

Training never waits for it, and its errors never reach the trainer. It imports MLflow, which takes
two CPU seconds, and runs at a lower priority than the trials. What it could not deliver is on the
disk, and `ablab.tracking.sync` delivers it later.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import IO, Any

from ablab.errors import StoreError
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run

DELIVERING = "Delivering to MLflow; Ctrl-C leaves the rest to `ablab sync`."
CLOSE = "close"  # sent to the process: deliver the rest
CLOSED = "closed"  # sent by the process, with the store's messages for the user
_PROCESS = "ablab.tracking.delivery_process"
_NO_TIME = "there was no time left"
_QUIET = 2.0  # seconds that the end of a command may take without a message
_END = 1.0  # seconds that a killed process may take to end
_PAUSES = (0.0, 1.0, 3.0)  # seconds before a store that may have been busy is asked
_STARTS = 2  # of the process: it is started again if it was killed

Report = Callable[["Outcome"], None]


@dataclass(frozen=True)
class Outcome:
    """Stores what came of one attempt to deliver a run.

    Attributes:
        folder: of the run.
        experiment: name of the experiment.
        reason: why the store lacks something of the run, empty if it does not.
        run_id: id of the MLflow run once it holds all of a finished run, else empty.
        is_deleted: whether the user deleted the MLflow run.
        is_last: whether no further attempt follows.
    """

    folder: str
    experiment: str
    reason: str = ""
    run_id: str = ""
    is_deleted: bool = False
    is_last: bool = False


@dataclass
class Submitted:
    """Stores a run that the store does not hold completely, as far as is known.

    Attributes:
        run: the run.
        experiment: name of the experiment.
        name: name of the MLflow run.
        tags: its tags.
        reason: why the store lacks something of the run, empty if it does not.
    """

    run: Run
    experiment: str
    name: str
    tags: Mapping[str, str]
    reason: str = "the delivery had not started"

    def message(self) -> dict[str, Any]:
        """Return what the process needs to deliver it."""
        named = {"experiment": self.experiment, "name": self.name, "tags": dict(self.tags)}
        return {"folder": str(self.run.folder), **named}


@dataclass
class BackgroundDelivery:
    """Starts a process that delivers the submitted runs whenever they have changed.

    The process ends with this one, however that ends. If it is killed itself, it is started again
    once, with all runs that it had not delivered.

    Attributes:
        lab: the lab.
        sweep: the sweep whose page in MLflow is kept up to date, empty for none.
        complete: called from a thread with a finished run that the store holds completely, and the
            id of its MLflow run; after a `StoreError` again, three times in all, and once more at
            the end.
        notices: the store's messages for the user, once the delivery is closed.
    """

    lab: Lab
    sweep: str = ""
    complete: Callable[[Run, str], None] = lambda run, run_id: None
    notices: list[str] = field(default_factory=list)
    _runs: dict[tuple[str, str], Submitted] = field(default_factory=dict)
    _outbox: SimpleQueue[Any] = field(default_factory=SimpleQueue)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_closing: bool = False
    _is_closed: bool = False
    _heard_at: float = 0.0
    _process: "subprocess.Popen[str] | None" = None

    def __post_init__(self) -> None:
        """Start the process."""
        self._thread = threading.Thread(target=self._supervise, name="ablab-delivery", daemon=True)
        self._thread.start()

    def submit(self, run: Run, experiment: str, *, name: str, tags: Mapping[str, str]) -> None:
        """Deliver a run from now on, and return at once.

        A run that is submitted again is delivered even if its journal has not grown: its process
        may have ended, which no file shows.
        """
        submitted = Submitted(run, experiment, name, tags)
        with self._lock:
            self._runs[str(run.folder), experiment] = submitted
            self._outbox.put(submitted.message())

    def close(self, timeout: float, on_wait: Callable[[], None] = lambda: None) -> list[Submitted]:
        """Deliver what is left, and stop.

        A store that is unavailable is asked once more: `ablab.tracking.sync` delivers later.

        Args:
            timeout: seconds without a sign of progress after which the rest is given up.
            on_wait: called if the delivery takes longer than two seconds.

        Returns:
            The runs of which the store lacks something.
        """
        with self._lock:
            self._is_closing, self._heard_at = True, time.monotonic()
            if self._thread.is_alive():
                for submitted in self._runs.values():
                    submitted.reason = _NO_TIME
                    self._outbox.put(submitted.message())
                self._outbox.put(CLOSE)
        self._thread.join(min(timeout, _QUIET))
        if self._thread.is_alive() and timeout > _QUIET:
            on_wait()
        while self._thread.is_alive() and time.monotonic() < self._heard_at + timeout:
            self._thread.join(min(timeout, 1.0))
        with self._lock:
            self._is_closed = True
            if self._process is not None and self._process.poll() is None:
                self._process.kill()
            left = [replace(each) for each in self._runs.values() if each.reason]
        self._thread.join(_END)
        return left

    def _supervise(self) -> None:
        """Run the process to its end, once more if it ended too early."""
        reason = ""
        for _ in range(_STARTS):
            try:
                reason = self._run_process()
            except OSError as error:
                reason = f"the process that delivers must start, got: {error}"
            if self._is_closed:
                return
        with self._lock:
            for submitted in self._runs.values():
                submitted.reason = reason

    def _run_process(self) -> str:
        """Start the process, receive its messages to its end, and return why it ended.

        Raises:
            OSError: it cannot be started.
        """
        words = [sys.executable, "-P", "-m", _PROCESS, str(self.lab.root), self.sweep]
        # Ctrl-C in a terminal goes to a whole session: it is this process that answers it.
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="ascii",
            start_new_session=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        with self._lock:
            self._process, self._outbox = process, SimpleQueue()
            for submitted in self._runs.values():
                self._outbox.put(submitted.message())
            if self._is_closing:
                self._outbox.put(CLOSE)
        outbox = self._outbox
        # A full pipe must not keep the trials waiting: a thread writes.
        threading.Thread(target=_write, args=(process.stdin, outbox), daemon=True).start()
        with process.stdout:
            for line in process.stdout:
                self._heard_at = time.monotonic()
                with suppress(ValueError):  # the last line of a killed process
                    self._receive(json.loads(line))
                if self._is_closed:
                    outbox.put(None)
        outbox.put(None)
        return f"the process that delivers ended with status {process.wait()}"

    def _receive(self, message: dict[str, Any]) -> None:
        if not message:  # a sign of life
            return
        if CLOSED in message:
            self.notices, self._is_closed = message[CLOSED], True
            return
        outcome = Outcome(**message)
        key = outcome.folder, outcome.experiment
        with self._lock:
            submitted = self._runs.get(key)
            if submitted is None:
                return
            if not (outcome.run_id or outcome.is_deleted):
                if outcome.is_last or not self._is_closing:
                    submitted.reason = outcome.reason
                return
        if outcome.is_deleted or self._has_completed(submitted, outcome.run_id):
            with self._lock:
                self._runs.pop(key, None)

    def _has_completed(self, submitted: Submitted, run_id: str) -> bool:
        """Call `complete` and return whether it succeeded."""
        for pause in _PAUSES:
            time.sleep(pause)
            try:
                self.complete(submitted.run, run_id)
            except StoreError as error:
                submitted.reason = str(error)
            else:
                return True
        return False


def _write(stream: IO[str], outbox: SimpleQueue[Any]) -> None:
    """Write messages as lines until there is None, and close the stream."""
    with suppress(OSError), stream:
        while (message := outbox.get()) is not None:
            stream.write(json.dumps(message) + "\n")
            stream.flush()
