"""Training of several runs in one process: their locks, logs, signals and exit code."""

import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from filelock import Timeout

from ablab.errors import FAILED, FINISHED, LOCKED, ResourceError, resource_error
from ablab.output import redirect_to
from ablab.signals import TerminatedError, dump_stacks_to
from ablab.tracking.journal import Entry, Journal, JournalError
from ablab.tracking.run import LOG, Run
from ablab.training.attempt import (
    LOCK_SECONDS,
    ended_by,
    failed,
    record_resource_error,
    record_start,
    refuse_changed_data,
    refuse_changed_sources,
)
from ablab.training.fused.group import Group
from ablab.training.fused.member import Member
from ablab.training.prepare import prepare
from ablab.training.run import StoppedError, Training
from ablab.training.settings import ProcessSettings
from ablab.training.signals import KeepSigtermHandler, handle_training_signals
from ablab.training.system_sampler import sample_system


def run_fused(runs: Sequence[Run], settings: ProcessSettings) -> int:
    """Train runs together in this process until all are finished or it is interrupted.

    A run that another process trains is left out. What concerns one run is in its own log; what
    the process prints besides is in the log of the first.

    Args:
        runs: the first is the one that the others accompany.
        settings: as for a single run.

    Returns:
        The exit code, as `ablab.training.process.run_process`: 1 if one of the runs failed.

    Raises:
        ResourceError: the machine lacks something, such as disk space; the checkpoints are kept.
    """
    with ExitStack() as stack:
        locked = [run for run in runs if _lock(run, stack)]
        if not locked:
            return LOCKED
        log = stack.enter_context((locked[0].folder / LOG).open("ab"))
        stack.enter_context(dump_stacks_to(log))
        terminal = stack.enter_context(redirect_to(log.fileno()))
        prepare(settings)
        attempt = _Attempt([run for run in locked if run.completion is None], settings)
        return attempt.run(terminal)


def _lock(run: Run, stack: ExitStack) -> bool:
    """Acquire a run's lock until the end of the stack, and return whether that succeeded."""
    lock = run.lock()
    try:
        lock.acquire(timeout=LOCK_SECONDS)
    except Timeout:
        return False
    stack.callback(lock.release)
    return True


class _Attempt:
    """An attempt at several runs, whose locks this process holds.

    Args:
        runs: not finished.
        settings: of this process.
    """

    def __init__(self, runs: Sequence[Run], settings: ProcessSettings) -> None:
        self._settings = settings
        self._failed = False
        self._trainings: list[Training] = []
        for run in runs:
            with _logged(run):
                try:
                    journal = Journal(run.journal)
                except JournalError:
                    traceback.print_exc()
                    self._failed = True
                    continue
            handlers = [KeepSigtermHandler()]
            self._trainings.append(Training(run, journal, settings.devices, handlers))

    def run(self, terminal: int) -> int:
        """Train, record the end in the journals of runs without a result, return the exit code."""
        if not self._trainings:
            return FAILED if self._failed else FINISHED
        first = self._trainings[0]
        try:
            with handle_training_signals(
                first.recorder, terminal, in_sweep=self._settings.in_sweep
            ):
                members = [m for m in map(self._start, self._trainings) if m is not None]
                group = Group(members, self._finish, lambda: first.recorder.stop_requested)
                with sample_system(first.run.folder):
                    group.fit()
                return FAILED if self._failed else FINISHED
        except (StoppedError, TerminatedError) as error:
            end, code = ended_by(error)
        except Exception as error:
            traceback.print_exc()
            self._raise_resource_error(error, first)
            end, code = ended_by(error)
        for training in self._trainings:
            self._record(training, end)
        return code

    def _start(self, training: Training) -> Member | None:
        """Return a run with its data and module, None if it fails on its own."""
        run, journal = training.run, training.journal
        assert journal is not None
        with _logged(run):
            try:
                record_start(run, journal, self._settings)
                refuse_changed_sources(run)
                refuse_changed_data(training)
                return Member(training)
            except Exception as error:
                self._fail(training, error)
                return None

    def _finish(self, member: Member, diverged: bool) -> None:
        """Test and complete a run; where it fails, the others go on."""
        with _logged(member.training.run):
            try:
                member.training.finish(member.module, diverged)
            except Exception as error:
                self._fail(member.training, error)

    def _fail(self, training: Training, error: Exception) -> None:
        traceback.print_exc()
        self._raise_resource_error(error, training)
        self._failed = True
        self._record(training, failed(error))

    def _record(self, training: Training, end: Entry) -> None:
        """Append the end to the journal of a run without a result, unless it has one."""
        journal = training.journal
        assert journal is not None
        is_over = bool(journal.entries) and journal.entries[-1].kind == "failed"
        if training.run.completion is None and not is_over:
            journal.append(end)

    def _raise_resource_error(self, error: Exception, training: Training) -> None:
        """Raise the resource error behind an exception, if there is one, for all runs."""
        if isinstance(error, TerminatedError | StoppedError):
            raise error
        resource = (
            error
            if isinstance(error, ResourceError)
            else resource_error(error, training.run.folder)
        )
        if resource is None:
            return
        for each in self._trainings:
            assert each.journal is not None
            record_resource_error(each.run, each.journal, resource)
        raise resource from error


@contextmanager
def _logged(run: Run) -> Iterator[None]:
    """Send what is printed in the block to the log of a run."""
    with (run.folder / LOG).open("ab") as log, redirect_to(log.fileno()):
        yield
