"""Names and texts that MLflow accepts, made from any text of a user."""

import hashlib
import posixpath
import re

PARAM_LENGTH = 6000
TAG_LENGTH = 8000
NAME_LENGTH = 250  # of params, metrics, tags and runs
_ALLOWED = re.compile(r"[/\w.\- :]+")
_REJECTED = re.compile(r"[^/\w.\- :]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def valid_name(name: str) -> str:
    """Return the name of a param, metric or tag, changed only if MLflow would reject it.

    A changed name ends in a hash of the original, so that names stay distinct.

    Example:
        >>> valid_name("train/loss"), valid_name("*")
        ('train/loss', '_ 684888c0')
    """
    is_allowed = _ALLOWED.fullmatch(name) and len(name) <= NAME_LENGTH
    if (
        is_allowed
        and posixpath.normpath(name) == name
        and name[0] not in "/."
        and name.isprintable()
    ):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    safe = "/".join(filter(None, _REJECTED.sub("_", name).split("/"))).strip("./ ")
    return f"{safe[: NAME_LENGTH - 9]} {digest}"


def shorten(text: str, limit: int) -> str:
    r"""Return ``text``, cut to ``limit`` characters if it is longer; a note gives its SHA-256.

    Control characters and lone surrogates, which databases reject, are escaped.

    Example:
        >>> shorten("a" * 200, 120)[:53]
        'aaaaaaaaaaaaaaaaaaaaaaaaaaaa … [200 characters, sha25'
        >>> shorten("bell\x07", 120)
        'bell\\x07'
    """
    text = _CONTROL.sub(lambda match: ascii(match.group())[1:-1], text)
    if len(text) <= limit:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()
    note = f" … [{len(text)} characters, sha256 {digest}]"
    return text[: limit - len(note)] + note
