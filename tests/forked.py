"""Programs of ablab in processes that are forked from one that has imported torch.

Importing it takes a process four seconds of CPU time. A forked program has a session, a working
folder, an environment and an output of its own, as if started from a terminal. The first processes
that it starts itself are forked too: the fork server of a sweep or the second rank of a trial, and
the process that delivers. Tests of the start itself use `subprocess`.
"""

import atexit
import fcntl
import gc
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from multiprocessing import process, util
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ablab.signals import END_SIGNALS
from ablab.sweep.launch.environment import thread_variables, worker_environment
from ablab.sweep.launch.server import PRELOAD

COMMAND, TRIAL = "ablab.cli", "ablab.training.__main__"
MODULES = [
    PRELOAD,
    COMMAND,
    "ablab.sweep.engine",
    "ablab.report.build",
    "mlflow.store.tracking.sqlalchemy_store",
]
VARIABLES = {**thread_variables(1), "MLFLOW_DISABLE_TELEMETRY": "true"}  # while it imports


def server() -> Any:
    """Return multiprocessing's context of the fork server, which imports `MODULES` at its start."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(MODULES)
    return context


class Program:
    """The ``main`` of a module, with the methods of `subprocess.Popen`.

    Args:
        module: `COMMAND` or `TRIAL`.
        arguments: of ``main``.
        folder: where it is started.
        environment: the whole of it.
        output: file that gets what it prints.
        anew: whether it imports ablab anew, as a process that is started does.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        output: Path,
        anew: bool = False,
    ) -> None:
        output.write_bytes(b"")
        own = (module, list(arguments), folder, dict(environment), output, anew)
        self._process = server().Process(target=_run, args=own)
        with worker_environment(VARIABLES):
            self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float = 300) -> int:
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("ablab", timeout)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()
        self._process.join()


def _run(  # noqa: PLR0917  as a process passes them
    module: str,
    arguments: list[str],
    folder: Path,
    environment: dict[str, str],
    output: Path,
    anew: bool,
) -> None:
    """Run the program in this process."""
    gc.freeze()  # a collection would copy the memory of all that was imported before the fork
    os.setsid()
    os.chdir(folder)
    _replace_environment(environment)
    with output.open("ab") as stream:
        for number in (1, 2):
            os.dup2(stream.fileno(), number)
    sys.argv = ["ablab", *arguments]
    tempfile.tempdir = None
    process._parent_process = None  # a main process has no parent, and its own temporary folder
    process.current_process()._config.pop("tempdir", None)
    spare = _Spare(f"from {module} import main; raise SystemExit(main({arguments!r}))")
    util.spawnv_passfds = spare.start_fork_server
    launcher: Any = import_module("pytorch_lightning.strategies.launchers.subprocess_script")
    launcher.subprocess = SimpleNamespace(Popen=spare.start_rank)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, END_SIGNALS)
    second = _Spare()
    if anew:
        for name in [name for name in sys.modules if name.partition(".")[0] == "ablab"]:
            del sys.modules[name]
    delivery: Any = import_module("ablab.tracking.background_delivery")
    delivery.subprocess = SimpleNamespace(Popen=second.start_delivery, PIPE=subprocess.PIPE)
    code = import_module(module).main(arguments)
    atexit._run_exitfuncs()
    sys.exit(code)


def _replace_environment(environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)


class _Spare:
    """A process that waits to become the first one of a kind that the program starts.

    It is forked before the program begins, so that nothing of the program's state is in it. Any
    further process is started as usual.

    Args:
        again: source of the program, for its second rank; without it, it becomes the delivery.
    """

    def __init__(self, again: str = "") -> None:
        self._again, self._spawn = again, util.spawnv_passfds
        self._socket, end = socket.socketpair()
        self._is_waiting = True
        self.returncode: int | None = None
        self.pid = os.fork()
        if not self.pid:
            self._socket.close()
            if not again:
                os.setsid()  # the delivery has a session of its own
            _wait_for_order(end)
        end.close()

    def start_fork_server(self, path: Any, arguments: list[Any], kept: list[int]) -> int:
        """Replace ``multiprocessing.util.spawnv_passfds``."""
        if not self._is_waiting or "multiprocessing.forkserver" not in arguments[-1]:
            return self._spawn(path, arguments, kept)
        self._order(arguments[-1], dict(os.environ), {number: number for number in kept})
        return self.pid

    def start_rank(self, command: Any, env: Mapping[str, str], cwd: Any = None) -> Any:
        """Replace ``subprocess.Popen`` in Lightning, which starts the program again."""
        if not self._is_waiting:
            return subprocess.Popen(command, env=env, cwd=cwd)
        self._order(self._again, dict(env), {1: 1, 2: 2})
        return self

    def start_delivery(self, command: list[str], **options: Any) -> Any:
        """Replace ``subprocess.Popen`` where the delivery is started."""
        if not self._is_waiting:
            return subprocess.Popen(command, **options)
        (theirs, ours), (here, there) = os.pipe(), os.pipe()
        self.stdin = os.fdopen(ours, "w", encoding=options["encoding"])
        self.stdout = os.fdopen(here, encoding=options["encoding"])
        _, _, _, module, *arguments = command
        source = (
            f"import sys; sys.stdin = open(0); sys.argv[1:] = {arguments!r}\n"
            f"from {module} import main; main()"
        )
        self._order(source, dict(os.environ), {0: theirs, 1: there})
        os.close(theirs)
        os.close(there)
        return self

    def _order(self, source: str, environment: dict[str, str], files: Mapping[int, int]) -> None:
        """Let the process run a source.

        Args:
            source: of Python.
            environment: the whole of it.
            files: of each number of a file in the process, its number here.
        """
        mask = [int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, [])]
        with self._socket:
            socket.send_fds(self._socket, [b"!"], list(files.values()))
            order = json.dumps([source, environment, list(files), mask]) + "\n"
            self._socket.sendall(order.encode())
        self._is_waiting = False

    def poll(self) -> int | None:
        if self.returncode is None:
            with suppress(ChildProcessError):
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self) -> int:
        while self.poll() is None:
            time.sleep(0.01)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _wait_for_order(end: socket.socket) -> None:
    """Run the source that arrives; end with the process that may send it."""
    code = 0
    try:
        asked, received, _, _ = socket.recv_fds(end, 1, 9)
        if asked:
            with end.makefile("rb") as stream:
                source, environment, kept, mask = json.loads(stream.readline())
            _replace_environment(environment)
            _rename_descriptors(received, kept)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            exec(source, {})
    except SystemExit as ended:
        code = int(ended.code or 0)
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        sys.stdout.flush()
        os._exit(code)


def _rename_descriptors(received: Sequence[int], wanted: Sequence[int]) -> None:
    """Give the received files the numbers that they have in the sender, and close all others."""
    apart = [fcntl.fcntl(number, fcntl.F_DUPFD, 200) for number in received]
    for number, name in zip(apart, wanted, strict=True):
        os.dup2(number, name)
    for name in map(int, os.listdir("/dev/fd")):
        if name not in {0, 1, 2, *wanted}:
            with suppress(OSError):  # of the listing itself
                os.close(name)
