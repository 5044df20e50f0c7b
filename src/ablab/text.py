"""Text of the user's: on one line, without control characters, not too long; names as words."""

import re
import unicodedata
from typing import Any

LONGEST_VALUE = 200  # characters of a value in a fault
LONGEST_FAULT = 2000
_UNUSUAL = re.compile("[^ -~]")
_JOINERS = "\u200c\u200d"  # invisible, but part of words and emoji


def printable(text: str, keep: str = "") -> str:
    r"""Return text in which what steers a terminal, or breaks a line, is written as an escape.

    That is every control character, line and paragraph separators, marks that turn the direction
    of writing, and bytes that were no text (lone surrogates). All else stays as it is, so that
    markup of a library (``[bold]``) is the caller's to switch off.

    Args:
        text: anything.
        keep: characters that stay all the same, ``"\n\t"``.

    Example:
        >>> printable("red: \x1b[31m")
        'red: \\x1b[31m'
    """
    if text.isprintable():
        return text

    def escaped(found: re.Match[str]) -> str:
        c = found.group()
        return c if c in keep or not _steers(c) else _escape(c)

    return _UNUSUAL.sub(escaped, text)  # a page with its pictures has a million characters


def shown(value: Any) -> str:
    r"""Return a value as a fault shows it: as Python writes it, on one line, the middle left out.

    Example:
        >>> shown("two\nlines"), shown(None), shown(0.5)
        ("'two\\nlines'", 'None', '0.5')
    """
    try:
        text = repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        if isinstance(value, int):
            return f"a number of about {int(value.bit_length() * 0.30103):,} digits"
        return f"a {type(value).__name__} that Python does not write"
    except RecursionError:
        return f"a {type(value).__name__} nested too deeply to show"
    return shortened(printable(text), LONGEST_VALUE)


def shown_name(name: object) -> str:
    """Return a name or a path as a fault shows it: without quotes, unless it is blank."""
    text = str(name)
    return shortened(printable(text), LONGEST_VALUE) if text.strip() else repr(text)


def shortened(text: str, longest: int) -> str:
    """Return text without its middle where it is too long, and say how long it was.

    Args:
        text: on one line.
        longest: characters.
    """
    if len(text) <= longest:
        return text
    told = f" … ({len(text):,} characters) … "
    return f"{text[: 2 * longest // 3]}{told}{text[-longest // 4 :]}"


def _steers(character: str) -> bool:
    category = unicodedata.category(character)
    return category in ("Cc", "Cs", "Zl", "Zp") or (category == "Cf" and character not in _JOINERS)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def is_accuracy(metric: str) -> bool:
    """Tell whether a metric is a share of images, in [0, 1], by the words of its name.

    Example:
        >>> is_accuracy("test/accuracy_last"), is_accuracy("testAcc1"), is_accuracy("test/loss")
        (True, True, False)
    """
    own = words(metric)
    return not {"acc", "accuracy"}.isdisjoint(own) and "loss" not in own


def words(metric: str) -> set[str]:
    """Return the words of a metric's name, in small letters; of ``mIoU`` its parts beside it.

    Example:
        >>> sorted(words("val/topAccuracy_5"))
        ['accuracy', 'top', 'topaccuracy', 'val']
    """
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", metric)
    return {word for word in re.split("[^a-z]+", f"{metric} {parted}".lower()) if word}
