"""Names of classes: what tables, pictures and terminals can show, and tell apart."""

import unicodedata
from collections.abc import Sequence

from ablab.errors import InputError

LONGEST = 200  # characters; WordNet's longest list of synonyms in ImageNet has 131

# Control characters, surrogates (bytes that are no UTF-8), line and paragraph separators.
_UNWRITABLE = ("Cc", "Cs", "Zl", "Zp")
_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def check_class_names(names: Sequence[object], key: str) -> None:
    """Refuse names that cannot be written, or not be told apart, before anything is trained.

    Args:
        names: in the order of the labels.
        key: what names them, for the message.

    Raises:
        InputError: one is no text, is empty, longer than `LONGEST`, or holds a control character
            or what is no UTF-8; or two are equal up to case, Unicode form and outer spaces.
    """
    seen: dict[str, str] = {}
    for name in names:
        if not isinstance(name, str):
            raise InputError(f"{key} must give each class a text as its name, got {name!r}")
        if fault := _fault(name):
            raise InputError(
                f"{key} must give each class a name that can be written, got {visible(name)}, "
                f"{fault}: rename it"
            )
        alike = unicodedata.normalize("NFKC", name).casefold().strip()
        if alike in seen:
            raise InputError(
                f"{key} must give classes names that differ by more than case, spaces around "
                f"them, or Unicode form, got {visible(seen[alike])} and {visible(name)}"
            )
        seen[alike] = name


def visible(text: object, longest: int = 120) -> str:
    r"""Return a text in quotes, with escapes for what a terminal cannot or must not show.

    Example:
        >>> print(visible("caf\udce9"), visible("a\tb"), visible("thé"))
        'caf\udce9' 'a\tb' 'thé'
    """
    shown = "".join(_escaped(character) for character in str(text))
    return f"'{shown[:longest]}…'" if len(shown) > longest else f"'{shown}'"


def _fault(name: str) -> str:
    if not name.strip():
        return "which is empty"
    if len(name) > LONGEST:
        return f"which has {len(name)} characters, more than {LONGEST}"
    if any(unicodedata.category(character) == "Cs" for character in name):
        return "which is not UTF-8"
    if any(_is_unwritable(character) for character in name):
        return "which holds a control character"
    return ""


def _is_unwritable(character: str) -> bool:
    return unicodedata.category(character) in _UNWRITABLE or character in _REORDERING


def _escaped(character: str) -> str:
    if not _is_unwritable(character):
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
