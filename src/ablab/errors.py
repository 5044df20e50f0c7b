"""The errors that a command prints as one line each, without a traceback.

Everything else that is raised is a bug of ablab and is shown whole.
"""


class AblabError(Exception):
    """An error whose message tells the user what to change.

    Attributes:
        exit_code: what a command that ends with it returns.
    """

    exit_code = 2


class InputError(AblabError, ValueError):
    """A value or a file that cannot be used: ``<key> must be <rule>, got <value>``."""


class StoreError(AblabError, RuntimeError):
    """MLflow's store refuses what is asked of it, or does not answer."""


class ResourceError(AblabError):
    """The machine lacks something: free disk space, a permission, a writable folder.

    The work done so far is kept, and the same command goes on once it is there.
    """

    exit_code = 74  # EX_IOERR of sysexits.h
