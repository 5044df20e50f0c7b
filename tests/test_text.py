"""User text is shown on one line, whole where it is short, and steers nothing."""

import pytest

from ablab.text import LONGEST_VALUE, printable, shortened, shown, shown_name


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("relu · lr=0.1", "relu · lr=0.1"),
        ("数据 é \u00a0🙂", "数据 é \u00a0🙂"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31m \x07 \x7f \r", "\\x9b31m \\x07 \\x7f \\r"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("a\u2028b\u202ec\udc80", "a\\u2028b\\u202ec\\udc80"),
        ("می\u200cروم", "می\u200cروم"),
        ("[bold]x[/]", "[bold]x[/]"),
    ],
)
def test_control_characters_are_escaped_and_words_are_not(text: str, seen: str):
    assert printable(text) == seen
    assert printable(seen) == seen


def test_what_is_to_be_kept_stays():
    assert printable("a\nb\tc\x1b", keep="\n") == "a\nb\\tc\\x1b"


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (None, "None"),
        (-1, "-1"),
        ("fast", "'fast'"),
        ("two\nlines", "'two\\nlines'"),
        ([0.9, "\x1b"], "[0.9, '\\x1b']"),
    ],
)
def test_value_is_shown_as_python_writes_it(value: object, seen: str):
    assert shown(value) == seen


def test_number_that_python_does_not_write_is_told_by_its_length():
    assert shown(10**5000) == "a number of about 5,000 digits"
    assert shown([10**5000]) == "a list that Python does not write"


def test_long_value_loses_its_middle_and_says_its_length():
    text = shown("a" * 9998 + "z")
    assert len(text) < LONGEST_VALUE + 50
    assert "(10,001 characters)" in text
    assert text.endswith("z'")
    assert shortened("short", 5) == "short"


def test_what_nests_too_deeply_is_shown_by_its_kind():
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert shown(deep) == "a list nested too deeply to show"


@pytest.mark.parametrize(
    ("name", "seen"),
    [("gelo", "gelo"), ("", "''"), (" ", "' '"), ("\u3000", "'\\u3000'"), ("a\nb", "a\\nb")],
)
def test_name_has_quotes_only_where_nothing_would_be_seen(name: str, seen: str):
    assert shown_name(name) == seen
