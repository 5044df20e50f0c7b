"""Checks that class names can be displayed and distinguished in tables, figures and terminals."""

import unicodedata
from collections.abc import Sequence

from ablab.errors import InputError

MAX_LENGTH = 200  # characters; the longest list of synonyms in ImageNet has 131

# Control characters, surrogates (bytes that are not UTF-8), line and paragraph separators.
_UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")
_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def check_class_names(names: Sequence[object], key: str) -> None:
    """Check that names can be displayed and distinguished.

    Args:
        names: in the order of the labels.
        key: the configuration key, for the message.

    Raises:
        InputError: a name is not text, is empty, longer than `MAX_LENGTH`, has a control character
            or is not UTF-8; or two are equal up to case, Unicode form and outer spaces.
    """
    seen: dict[str, str] = {}
    for name in names:
        if not isinstance(name, str):
            raise InputError(f"{key} must give each class a text as its name, got {name!r}")
        if fault := _fault(name):
            raise InputError(
                f"{key} must give each class a name that can be written, got {quote(name)}, "
                f"{fault}: rename it"
            )
        folded = unicodedata.normalize("NFKC", name).casefold().strip()
        if folded in seen:
            raise InputError(
                f"{key} must give classes names that differ by more than case, spaces around "
                f"them, or Unicode form, got {quote(seen[folded])} and {quote(name)}"
            )
        seen[folded] = name


def quote(text: object, max_length: int = 120) -> str:
    r"""Return a text in quotes, with escapes for characters that a terminal must not print.

    Example:
        >>> print(quote("caf\udce9"), quote("a\tb"), quote("thé"))
        'caf\udce9' 'a\tb' 'thé'
    """
    escaped = "".join(_escape(character) for character in str(text))
    return f"'{escaped[:max_length]}…'" if len(escaped) > max_length else f"'{escaped}'"


def _fault(name: str) -> str:
    if not name.strip():
        return "which is empty"
    if len(name) > MAX_LENGTH:
        return f"which has {len(name)} characters, more than {MAX_LENGTH}"
    if any(unicodedata.category(character) == "Cs" for character in name):
        return "which is not UTF-8"
    if any(_is_unprintable(character) for character in name):
        return "which holds a control character"
    return ""


def _is_unprintable(character: str) -> bool:
    return unicodedata.category(character) in _UNPRINTABLE or character in _REORDERING


def _escape(character: str) -> str:
    if not _is_unprintable(character):
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
