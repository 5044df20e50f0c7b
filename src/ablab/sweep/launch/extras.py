"""Packages and programs that a launcher needs, checked before anything runs."""

import shutil
from collections.abc import Sequence
from importlib.util import find_spec

from ablab.errors import InputError


def require_package(name: str, package: str) -> None:
    """Raise an error with the command that installs what a launcher needs, unless it is there.

    Args:
        name: of the launcher, and of the extra with its packages.
        package: one of them.

    Raises:
        InputError: it is missing.
    """
    if find_spec(package) is None:
        raise InputError(
            f"launcher must have the package {package} to be {name}, got none; install it: "
            f"pip install 'ablab[{name}]'"
        )


def require_programs(name: str, programs: Sequence[str]) -> None:
    """Raise an error unless all programs are on PATH.

    Args:
        name: of the launcher.
        programs: what it calls.

    Raises:
        InputError: one is missing.
    """
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise InputError(
            f"launcher must find {', '.join(programs)} on PATH to be {name}, got no "
            f"{', no '.join(missing)}; start the sweep where they are, such as on a login node"
        )
