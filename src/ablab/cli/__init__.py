"""The command line. Imports are late: `ablab --help` must not wait for torch."""

import atexit
import gc
import os
import sys
import traceback
from collections.abc import Sequence

from ablab.cli.parser import make_parser
from ablab.errors import (
    BUG,
    FINISHED,
    HUNG_UP,
    INTERRUPTED,
    NO_RESOURCE,
    TERMINATED,
    AblabError,
    ResourceError,
    resource_error,
)
from ablab.folders import data_folder, lab_folder
from ablab.output import fault_of, guard
from ablab.signals import Ending, TerminatedError
from ablab.text import printable

_BUG = (
    "this is a bug of ablab; please report it with the lines above and the output of `ablab doctor`"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code, one of `ablab.errors.EXIT_CODES`."""
    guard()
    ending = Ending()
    try:
        with ending.listening():
            code = _run(arguments)
    except TerminatedError as error:
        _say("interrupted")
        code = error.code
    code = code if ending.code is None else ending.code
    if code in (HUNG_UP, INTERRUPTED, TERMINATED):
        ending.settle()
    return _written(code)


def _run(arguments: Sequence[str] | None) -> int:
    debug = os.environ.get("ABLAB_DEBUG", "") not in ("", "0")
    try:
        options = make_parser().parse_args(arguments)
        debug = debug or options.debug
        if getattr(options, "allow", None):
            known = os.environ.get("ABLAB_ALLOW", "")
            os.environ["ABLAB_ALLOW"] = ",".join(filter(None, [known, *options.allow]))
        atexit.register(gc.freeze)  # the system takes the memory back: no look for garbage in it
        return int(options.run(options) or FINISHED)
    except SystemExit as ended:  # the parser's, which has said why
        return int(ended.code or FINISHED)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        return _told(error, debug=debug)


def _told(error: Exception, *, debug: bool) -> int:
    """Print an error and return the exit code: a line where the user can help it, else whole."""
    known = error if isinstance(error, AblabError) else _lack(error)
    if known is None or debug:
        traceback.print_exception(error)
    if known is None:
        _say(_BUG)
        return BUG
    _say(str(known))
    return known.exit_code


def _lack(error: Exception) -> ResourceError | None:
    """Return what the machine lacks, None where that is not the reason."""
    if isinstance(error, MemoryError):
        return ResourceError(f"memory must suffice, got {error or 'no more of it'}; free some")
    try:
        places = lab_folder(), data_folder()
    except OSError:
        return ResourceError("the folder where you work must be there, got one that was removed")
    return resource_error(error, *places)


def _written(code: int) -> int:
    """Return the exit code, another one where all went well and what was printed is lost."""
    sys.stdout.flush()
    fault = fault_of(sys.stdout)
    if fault is None or code != FINISHED:
        return code
    _say(
        f"standard output must be writable, got {fault.strerror}; what was printed is lost, "
        "what was done is kept"
    )
    return NO_RESOURCE


def _say(text: str) -> None:
    for line in text.split("\n"):
        sys.stderr.write(f"ablab: {printable(line)}\n")
