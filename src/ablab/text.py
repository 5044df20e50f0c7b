"""Formats text from outside: on one line, without control characters, shortened."""

import re
import unicodedata
from typing import Any

LONGEST_VALUE = 200  # characters of a value in a message
LONGEST_FAULT = 2000
_UNUSUAL = re.compile("[^ -~]")
_JOINERS = "\u200c\u200d"  # invisible, but part of words and emoji


def escape_controls(text: str, keep: str = "") -> str:
    r"""Return text with characters that control a terminal or break a line escaped.

    Those are control characters, line and paragraph separators, marks of writing direction, and
    undecodable bytes (lone surrogates). Markup (``[bold]``) is left to the caller.

    Args:
        text: any.
        keep: characters that are not escaped, such as ``"\n\t"``.

    Example:
        >>> escape_controls("red: \x1b[31m")
        'red: \\x1b[31m'
    """
    if text.isprintable():
        return text

    def escaped(match: re.Match[str]) -> str:
        c = match.group()
        return c if c in keep or not _is_control(c) else _escape(c)

    # A regular expression, not a loop: a report with its pictures has a million characters.
    return _UNUSUAL.sub(escaped, text)


def format_value(value: Any) -> str:
    r"""Return a value as messages show it: its ``repr`` on one line, shortened in the middle.

    Example:
        >>> format_value("two\nlines"), format_value(None), format_value(0.5)
        ("'two\\nlines'", 'None', '0.5')
    """
    try:
        text = repr(value)
    except ValueError:  # Python converts no integer of more than 4,300 digits
        if isinstance(value, int):
            return f"a number of about {int(value.bit_length() * 0.30103):,} digits"
        return f"a {type(value).__name__} that Python cannot print"
    except RecursionError:
        return f"a {type(value).__name__} nested too deeply to show"
    return shorten(escape_controls(text), LONGEST_VALUE)


def format_name(name: object) -> str:
    """Return a name or a path as messages show it: without quotes, unless it is blank."""
    text = str(name)
    return shorten(escape_controls(text), LONGEST_VALUE) if text.strip() else repr(text)


def format_count(number: int, noun: str) -> str:
    """Return a number with its noun in the singular or plural.

    Example:
        >>> format_count(1, "trial"), format_count(2, "trial")
        ('1 trial', '2 trials')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def shorten(text: str, longest: int) -> str:
    """Return text with its middle replaced by its length, if it is longer than ``longest``.

    Args:
        text: on one line.
        longest: characters.
    """
    if len(text) <= longest:
        return text
    omission = f" … ({len(text):,} characters) … "
    return f"{text[: 2 * longest // 3]}{omission}{text[-longest // 4 :]}"


def _is_control(character: str) -> bool:
    category = unicodedata.category(character)
    return category in ("Cc", "Cs", "Zl", "Zp") or (category == "Cf" and character not in _JOINERS)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def is_accuracy(metric: str) -> bool:
    """Return whether a metric is an accuracy, in [0, 1], by the words of its name.

    Example:
        >>> is_accuracy("test/accuracy_last"), is_accuracy("testAcc1"), is_accuracy("test/loss")
        (True, True, False)
    """
    own = metric_words(metric)
    return not {"acc", "accuracy"}.isdisjoint(own) and "loss" not in own


def metric_words(metric: str) -> set[str]:
    """Return the words of a metric's name in lower case; of camel case, parts and whole.

    Example:
        >>> sorted(metric_words("val/topAccuracy_5"))
        ['accuracy', 'top', 'topaccuracy', 'val']
    """
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", metric)
    return {word for word in re.split("[^a-z]+", f"{metric} {split}".lower()) if word}
