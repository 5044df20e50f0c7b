"""The command line. Imports are late: `ablab --help` must not wait for torch."""

import atexit
import gc
import os
import sys
from collections.abc import Sequence

from ablab.cli.parser import make_parser
from ablab.errors import AblabError
from ablab.text import printable

_WRONG = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 well, 1 a trial failed, 2 wrong input."""
    options = make_parser().parse_args(arguments)
    if getattr(options, "allow", None):
        known = os.environ.get("ABLAB_ALLOW", "")
        os.environ["ABLAB_ALLOW"] = ",".join(filter(None, [known, *options.allow]))
    atexit.register(gc.freeze)  # the system takes the memory back: no look for garbage in it
    try:
        return int(options.run(options))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if not isinstance(error, AblabError | ValueError):
            raise
        for line in str(error).split("\n"):
            sys.stderr.write(f"ablab: {printable(line)}\n")
        return getattr(error, "exit_code", _WRONG)
