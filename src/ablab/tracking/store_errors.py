"""Translates errors of a store into a message of one line with the remedy.

MLflow's own messages are not passed on where their advice does not apply here.
"""

import os
import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ablab.errors import StoreError
from ablab.tracking.address import VARIABLE, Address
from ablab.tracking.host_marker import check_claim

_ERRORS = {
    "mlflow.exceptions": "MlflowException",
    "sqlalchemy.exc": "SQLAlchemyError",
    "requests.exceptions": "RequestException",
}
_DAMAGED = ("not a database", "malformed", "no such table", "no such column", "no version")
_PASSING = {
    "is locked": "must be free, got one that another process has locked",
    "disk is full": "must have free disk space, got a full disk",
    # MLflow's own race: two processes set the same tag for the first time.
    "unique constraint failed": "must be free, got one that another process wrote to just then",
}
_SCHEMA = ("database schema", "can't locate revision")
_READ_ONLY = ("readonly database", "unable to open database", "disk i/o error", "permission denied")
_DENIED = {"UNAUTHENTICATED": "401", "PERMISSION_DENIED": "403"}
_NO_MLFLOW = ("not in a valid JSON format", "redirects")
_NO_CONNECTION = ("API request", "HTTPConnectionPool", "Connection aborted")
_NO_ADDRESS = ("SSLError", "InvalidSchema", "InvalidURL")
_LONGEST_PATH = 500
_STATUS = re.compile(r"error code (\d+) != 200|too many (\d+) error responses")
_CAUSE = re.compile(r"\[Errno \d+\] ([^'\")]+)|\[SSL: \w+\] ([^(]+)|(timed out)|(redirects)")
_CERTIFICATE = "MLFLOW_TRACKING_SERVER_CERT_PATH"
_SIGN_IN = (
    "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, to those "
    "of a user with write permission"
)


class StoreUnavailableError(StoreError):
    """The store does not answer now, but may do so later."""


@contextmanager
def translate_errors(address: Address) -> Iterator[None]:
    """Raise every error of the store in the block as a `StoreError`."""
    check_claim(address.database)
    try:
        yield
    except _classes() as error:
        raise to_store_error(address, error) from error


def _classes() -> tuple[type[Exception], ...]:
    """Return the classes of errors of a store; a module that was not imported raised none."""
    imported = ((sys.modules.get(module), name) for module, name in _ERRORS.items())
    return sqlite3.Error, *(getattr(module, name) for module, name in imported if module)


def to_store_error(address: Address, error: Exception) -> StoreError:
    """Return an error of MLflow, SQLAlchemy, SQLite or requests as a `StoreError`."""
    text = " ".join(str(error).split()).partition(" [SQL")[0]  # the statement may contain any word
    text = re.sub(r"//[^/\s]*@", "//", text.replace(address.uri, address.without_password))
    code = str(getattr(error, "error_code", ""))
    if address.is_served:
        known = _server_error(address.display, text, code)
    else:
        known = (
            _database_error(address, text)
            if address.database is None
            else _file_error(address, text)
        )
    if known is not None:
        return known
    if code == "TEMPORARILY_UNAVAILABLE":
        return StoreUnavailableError(f"{address.display} must answer, got: {text[:200]}")
    return StoreError(f"{address.display} must accept what it is sent, got: {text[:200]}")


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether SQLite's error means a damaged file or one that is no store."""
    text = str(error).lower()
    is_passing = any(sign in text for sign in _PASSING)
    return not is_passing and any(sign in text for sign in _DAMAGED)


def _database_error(address: Address, text: str) -> StoreError | None:
    if any(sign in text.lower() for sign in _SCHEMA):
        return StoreError(f"{address.display} {_schema_rule(address)}")
    if "connect" in text.lower():
        return StoreUnavailableError(f"{address.display} must answer, got: {text[:200]}")
    return None


def _file_error(address: Address, text: str) -> StoreError | None:
    low, name = text.lower(), address.display
    remedy = (
        "`ablab sync --rebuild` recreates it from the trials"
        if address.is_own
        else f"repair it, or unset {VARIABLE}: runs then go to the lab's own store"
        if address.setting == VARIABLE
        else f"repair it, or name another one with {address.setting}"
    )
    for sign, rule in _PASSING.items():
        if sign in low:
            return StoreUnavailableError(f"{name} {rule}; `ablab sync` delivers later")
    if "unable to open" in low and len(os.fsencode(name)) > _LONGEST_PATH:
        return StoreError(
            f"{name} must be a path of at most {_LONGEST_PATH} bytes, the limit of SQLite, got "
            f"{len(os.fsencode(name))}: move the lab (ABLAB_HOME), or set {VARIABLE} to a server"
        )
    if any(sign in low for sign in _READ_ONLY):
        what = "a folder" if address.database and address.database.is_dir() else text[:200]
        return StoreError(f"{name} must be a file with write permission, got {what}; {remedy}")
    if any(sign in low for sign in _SCHEMA):
        return StoreError(f"{name} {_schema_rule(address)}")
    if not any(sign in low for sign in _DAMAGED):
        return None
    return StoreError(f"{name} must be an MLflow store, got a damaged or another file; {remedy}")


def _schema_rule(address: Address) -> str:
    rule = "must have the schema of the installed MLflow, got another"
    if address.is_own:
        return f"{rule}; `ablab sync --rebuild` recreates the store from the trials"
    return (
        f"{rule}; `mlflow db upgrade {address.without_password}` brings an older one up to date "
        "(copy it first), a newer one needs the MLflow that wrote it"
    )


def _server_error(name: str, text: str, code: str) -> StoreError | None:
    status = next((a or b for a, b in _STATUS.findall(text)), "")
    if code in _DENIED or status in _DENIED.values():
        return StoreError(
            f"{name} must grant write access, got {status or _DENIED[code]}; {_SIGN_IN}"
        )
    if status.startswith("5") or status == "429":
        return StoreUnavailableError(f"{name} must answer, got status {status}")
    if status or any(sign in text for sign in _NO_MLFLOW):
        what = f"status {status}" if status else "an answer that is not MLflow's"
        return StoreError(f"{name} must be an MLflow server, got {what}; see {VARIABLE}")
    if any(sign in text for sign in _NO_ADDRESS):
        own = f"; {_CERTIFICATE} names that of your own authority" if "CERT" in text else ""
        return StoreError(f"{name} must answer at its address, got: {_cause(text)}{own}")
    if any(sign in text for sign in _NO_CONNECTION):
        return StoreUnavailableError(f"{name} must answer, got: {_cause(text)}")
    return None


def _cause(text: str) -> str:
    """Return the innermost cause in the text of a chain of exceptions."""
    if "NameResolutionError" in text:
        return "unknown host name"
    causes = [next(filter(None, groups)) for groups in _CAUSE.findall(text)]
    return causes[-1].strip() if causes else text[:200]
