"""The command ``python -m ablab.training FOLDER SETTINGS``: a trial in a process of its own.

For a trial of several processes, Lightning runs the same command again for each further one.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from ablab.errors import InputError, ResourceError
from ablab.importing import without_gc
from ablab.training.settings import ProcessSettings


def main(arguments: Sequence[str]) -> int:
    """Train the run in a folder with settings in JSON, and return the exit code."""
    try:
        settings = ProcessSettings.from_json(arguments[1])
        with without_gc():
            from ablab.training.process import run_process

        return run_process(Path(arguments[0]), settings)
    except (InputError, ResourceError) as error:
        sys.stderr.write(f"ablab: {error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
