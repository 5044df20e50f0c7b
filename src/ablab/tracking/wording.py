"""Names and texts as MLflow takes them, whatever a user wrote."""

import hashlib
import posixpath
import re

PARAM_LENGTH = 6000
TAG_LENGTH = 8000
NAME_LENGTH = 250  # of params, metrics, tags and runs
_ALLOWED = re.compile(r"[/\w.\- :]+")
_REFUSED = re.compile(r"[^/\w.\- :]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def named(name: str) -> str:
    """Return the name of a param, metric or tag, changed only where MLflow would refuse it.

    A changed one ends in a hash of what it was, so that no two names become one.

    Example:
        >>> named("train/loss"), named("*")
        ('train/loss', '_ 684888c0')
    """
    whole = _ALLOWED.fullmatch(name) and len(name) <= NAME_LENGTH
    if whole and posixpath.normpath(name) == name and name[0] not in "/." and name.isprintable():
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    safe = "/".join(filter(None, _REFUSED.sub("_", name).split("/"))).strip("./ ")
    return f"{safe[: NAME_LENGTH - 9]} {digest}"


def shorten(text: str, limit: int) -> str:
    r"""Return ``text``, cut to ``limit`` characters if need be, saying so and with its SHA-256.

    Characters that no terminal shows and no database takes are escaped.

    Example:
        >>> shorten("a" * 200, 120)[:53]
        'aaaaaaaaaaaaaaaaaaaaaaaaaaaa … [200 characters, sha25'
        >>> shorten("bell\x07", 120)
        'bell\\x07'
    """
    text = _CONTROL.sub(lambda found: ascii(found.group())[1:-1], text)
    if len(text) <= limit:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()
    note = f" … [{len(text)} characters, sha256 {digest}]"
    return text[: limit - len(note)] + note
