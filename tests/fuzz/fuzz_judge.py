"""Runs a case and classifies its outcome: accepted, refused with well-formed faults, or a bug."""

import os
import re
import resource
import shutil
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from fuzz_cases import Case

from ablab.config.compose import compose
from ablab.config.groups import GROUPS
from ablab.config.trial import resolve
from ablab.errors import AblabError
from ablab.sweep.planning import plan_sweep
from ablab.text import escape_controls

CPU_SECONDS, WALL_SECONDS, BYTES = 20.0, 120.0, 4 * 2**30
_LINE = re.compile(r"(?P<key>\S.{0,400}?) must (?P<rule>\S.*?)[,;] got .*\S.*", re.DOTALL)
_KEY = re.compile(
    rf"({'|'.join(GROUPS)}|seed|backend|init_from|freeze|batch_size|override|sweep|defaults|every|"
    r"configuration|further|axis|a name|the working folder|trial|hydra|/|\w+)\b|/"
)


class Verdict(NamedTuple):
    """Stores the outcome of a case.

    Attributes:
        kind: accepted, refused, traceback, hang, memory or malformed.
        text: the message, or the traceback.
    """

    kind: str
    text: str = ""

    @property
    def is_good(self) -> bool:
        """Whether the configuration was accepted or properly refused."""
        return self.kind in ("accepted", "refused")


class HangError(BaseException):
    """A case exceeded its time; a `BaseException`, so that no `except Exception` catches it."""


def judge(case: Case, folder: Path) -> Verdict:
    """Check or plan a case in a folder of its own, and return the outcome."""
    try:
        with set_up(case, folder), _limits():
            if case.sweep is None:
                resolve(compose(case.overrides))
            else:
                plan_sweep(case.sweep, case.overrides)
    except AblabError as error:
        return _refused(str(error))
    except HangError:
        return Verdict("hang", traceback.format_exc(limit=-8))
    except MemoryError:
        return Verdict("memory", traceback.format_exc(limit=-8))
    except Exception:
        return Verdict("traceback", traceback.format_exc(limit=-8))
    return Verdict("accepted")


def _refused(message: str) -> Verdict:
    for line in message.split("\n"):
        match = _LINE.fullmatch(line)
        if match is None or not _KEY.match(match["key"]) or escape_controls(line) != line:
            return Verdict("malformed", line[:500])
    return Verdict("refused", message)


@contextmanager
def set_up(case: Case, folder: Path) -> Iterator[None]:
    """Set up the files and environment of a case for the block, and remove them afterwards."""
    before, environment = Path.cwd(), dict(os.environ)
    try:
        for name, content in case.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.mkdir()
            else:
                path.write_bytes(content)
        os.environ.update(case.environment)
        os.chdir(folder)
        yield
    finally:
        os.chdir(before)
        for name in environment.keys() ^ os.environ.keys():
            os.environ.pop(name, None)
        os.environ.update(environment)
        for kind in ("conf", "sweeps"):
            shutil.rmtree(folder / kind, ignore_errors=True)


@contextmanager
def _limits() -> Iterator[None]:
    """Limit the CPU time, wall time and memory of the block."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise HangError

    timers = {
        signal.SIGVTALRM: (signal.ITIMER_VIRTUAL, CPU_SECONDS),
        signal.SIGALRM: (signal.ITIMER_REAL, WALL_SECONDS),
    }
    handlers = {number: signal.signal(number, end) for number in timers}
    memory = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_used() + BYTES, memory[1]))
    try:
        for timer, seconds in timers.values():
            signal.setitimer(timer, seconds)
        yield
    finally:
        for timer, _ in timers.values():
            signal.setitimer(timer, 0)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        resource.setrlimit(resource.RLIMIT_AS, memory)


def _used() -> int:
    """Return the bytes of this process's address space, 1 TiB where the system does not say."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[0]
    except OSError:
        return 2**40
    return int(pages) * resource.getpagesize()
