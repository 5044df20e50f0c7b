"""What a store answers when it does not do what it is asked, in one line with the remedy.

MLflow's own words are not passed on where their advice does not serve here.
"""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from ablab.errors import StoreError
from ablab.tracking.address import VARIABLE, Address

_DAMAGED = ("not a database", "malformed", "no such table", "no such column", "no version")
_PASSING = {
    "is locked": "must be free, got one that another process has locked",
    "disk is full": "must have free disk space, got a full disk",
}
_SCHEMA = ("database schema", "can't locate revision")
_READ_ONLY = ("readonly database", "unable to open database", "disk i/o error", "permission denied")
_NOT_LET_IN = {"UNAUTHENTICATED": "401", "PERMISSION_DENIED": "403"}
_NO_MLFLOW = ("not in a valid JSON format", "redirects")
_NO_ADDRESS = ("SSLError", "InvalidSchema", "InvalidURL")
_LONGEST_PATH = 500
_STATUS = re.compile(r"error code (\d+) != 200|too many (\d+) error responses")
_CAUSE = re.compile(r"\[Errno \d+\] ([^'\")]+)|\[SSL: \w+\] ([^(]+)|(timed out)|(redirects)")
_SIGN_IN = (
    "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, to those "
    "of a user who may write there"
)


class StoreAwayError(StoreError):
    """A store that does not answer now; later it may."""


@contextmanager
def talking(address: Address) -> Iterator[None]:
    """Turn whatever a store's absence or refusal raises into a `StoreError` of one line."""
    import requests
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, requests.RequestException) as error:
        raise refusal(address, error) from error


def refusal(address: Address, error: Exception) -> StoreError:
    """Return what an error of MLflow, SQLAlchemy, SQLite or requests says of a store."""
    text = " ".join(str(error).split()).partition(" [SQL")[0]  # what was sent proves nothing
    code = str(getattr(error, "error_code", ""))
    if address.is_served:
        known = _of_server(address.shown, text, code)
    else:
        known = _of_database(address, text) if address.database is None else _of_file(address, text)
    if known is not None:
        return known
    if code == "TEMPORARILY_UNAVAILABLE":
        return StoreAwayError(f"{address.shown} must answer, got: {text[:200]}")
    return StoreError(f"{address.shown} must accept what it is sent, got: {text[:200]}")


def _of_database(address: Address, text: str) -> StoreError | None:
    if any(sign in text.lower() for sign in _SCHEMA):
        return StoreError(f"{address.shown} {_of_another_schema(address)}")
    if "connect" in text.lower():
        return StoreAwayError(f"{address.shown} must answer, got: {text[:200]}")
    return None


def _of_file(address: Address, text: str) -> StoreError | None:
    low, place = text.lower(), address.shown
    remedy = (
        "`ablab sync --rebuild` makes it anew from the trials"
        if address.is_own
        else f"mend it, or unset {VARIABLE}: runs then go to the lab's own"
    )
    for sign, rule in _PASSING.items():
        if sign in low:
            return StoreAwayError(f"{place} {rule}; `ablab sync` delivers later")
    if "unable to open" in low and len(os.fsencode(place)) > _LONGEST_PATH:
        return StoreError(
            f"{place} must be a path of {_LONGEST_PATH} bytes at most, as SQLite takes it, got "
            f"{len(os.fsencode(place))}: move the lab (ABLAB_HOME), or set {VARIABLE} to a server"
        )
    if any(sign in low for sign in _READ_ONLY):
        what = "a folder" if address.database and address.database.is_dir() else text[:200]
        return StoreError(f"{place} must be a file that you may write to, got {what}; {remedy}")
    if any(sign in low for sign in _SCHEMA):
        return StoreError(f"{place} {_of_another_schema(address)}")
    if not any(sign in low for sign in _DAMAGED):
        return None
    return StoreError(f"{place} must be an MLflow store, got a damaged or another file; {remedy}")


def _of_another_schema(address: Address) -> str:
    rule = "must have the schema of the MLflow that is installed, got another"
    if address.is_own:
        return f"{rule}; `ablab sync --rebuild` makes the store anew from the trials"
    return (
        f"{rule}; `mlflow db upgrade {address.without_password}` brings an older one up to date "
        "(copy it first), a newer one needs the MLflow that made it"
    )


def _of_server(place: str, text: str, code: str) -> StoreError | None:
    status = next((a or b for a, b in _STATUS.findall(text)), "")
    if code in _NOT_LET_IN or status in _NOT_LET_IN.values():
        return StoreError(
            f"{place} must let you in and write, got {status or _NOT_LET_IN[code]}; {_SIGN_IN}"
        )
    if status.startswith("5") or status == "429":
        return StoreAwayError(f"{place} must answer, got status {status}")
    if status or any(sign in text for sign in _NO_MLFLOW):
        what = f"status {status}" if status else "an answer that is not MLflow's"
        return StoreError(f"{place} must be an MLflow server, got {what}; see {VARIABLE}")
    if any(sign in text for sign in _NO_ADDRESS):
        return StoreError(f"{place} must answer as its address says, got: {_cause(text)}")
    if "API request" in text or "HTTPConnectionPool" in text:
        return StoreAwayError(f"{place} must answer, got: {_cause(text)}")
    return None


def _cause(text: str) -> str:
    """Return the cause at the end of a chain of exceptions."""
    if "NameResolutionError" in text:
        return "no machine of that name is known"
    found = [next(filter(None, groups)) for groups in _CAUSE.findall(text)]
    return found[-1].strip() if found else text[:200]
