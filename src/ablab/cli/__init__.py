"""The command line. Heavy imports are inside functions: `ablab --help` must not wait for torch."""

import atexit
import gc
import os
import sys
from collections.abc import Sequence

from ablab.cli.completion import complete
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
from ablab.output import protect_streams, write_error
from ablab.signals import SignalExit, TerminatedError
from ablab.text import escape_controls

_BUG = (
    "this is a bug in ablab; please report it with the lines above and the output of `ablab doctor`"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code, one of `ablab.errors.EXIT_CODES`."""
    complete(make_parser)
    protect_streams()
    ending = SignalExit()
    try:
        with ending.listening():
            code = _run(arguments)
    except TerminatedError as error:
        _print_error("interrupted")
        code = error.code
    code = code if ending.code is None else ending.code
    if code in (HUNG_UP, INTERRUPTED, TERMINATED):
        ending.settle()
    return _check_output(code)


def _run(arguments: Sequence[str] | None) -> int:
    debug = os.environ.get("ABLAB_DEBUG", "") not in ("", "0")
    try:
        words = sys.argv[1:] if arguments is None else arguments
        options = make_parser(words).parse_args(words)
        debug = debug or options.debug
        if getattr(options, "allow", None):
            known = os.environ.get("ABLAB_ALLOW", "")
            os.environ["ABLAB_ALLOW"] = ",".join(filter(None, [known, *options.allow]))
        # Without this Python searches all objects for garbage at exit, a quarter of a second with
        # torch, Lightning and MLflow. The system frees the memory anyway.
        atexit.register(gc.freeze)
        return int(options.run(options) or FINISHED)
    except SystemExit as ended:  # of the parser, which has printed why
        return int(ended.code or FINISHED)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        return _handle_error(error, debug=debug)


def _handle_error(error: Exception, *, debug: bool) -> int:
    """Print an error and return the exit code: one line if it is known, else its traceback."""
    known = error if isinstance(error, AblabError) else _to_resource_error(error)
    if known is None or debug:
        import traceback  # late: it would cost each command a millisecond

        traceback.print_exception(error)
    if known is None:
        _print_error(_BUG)
        return BUG
    _print_error(str(known))
    return known.exit_code


def _to_resource_error(error: Exception) -> ResourceError | None:
    """Return the error as one about the machine, or None if it is not."""
    if isinstance(error, MemoryError):
        return ResourceError(f"memory must suffice, got {error or 'no more of it'}; free some")
    try:
        folders = lab_folder(), data_folder()
    except OSError:
        return ResourceError("the working folder must exist, got one that was removed")
    return resource_error(error, *folders)


def _check_output(code: int) -> int:
    """Return the exit code, which is another if a successful command's output was lost."""
    sys.stdout.flush()
    fault = write_error(sys.stdout)
    if fault is None or code != FINISHED:
        return code
    _print_error(
        f"standard output must be writable, got {fault.strerror}; the output is lost, the results "
        "are kept"
    )
    return NO_RESOURCE


def _print_error(text: str) -> None:
    for line in text.split("\n"):
        sys.stderr.write(f"ablab: {escape_controls(line)}\n")
