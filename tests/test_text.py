"""Text from outside is shown on one line, shortened and without control characters."""

import pytest

from ablab.text import LONGEST_VALUE, escape_controls, format_name, format_value, shorten


@pytest.mark.parametrize(
    ("text", "expected"),
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
def test_control_characters_are_escaped_and_letters_are_not(text: str, expected: str):
    assert escape_controls(text) == expected
    assert escape_controls(expected) == expected


def test_characters_to_keep_are_not_escaped():
    assert escape_controls("a\nb\tc\x1b", keep="\n") == "a\nb\\tc\\x1b"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "None"),
        (-1, "-1"),
        ("fast", "'fast'"),
        ("two\nlines", "'two\\nlines'"),
        ([0.9, "\x1b"], "[0.9, '\\x1b']"),
    ],
)
def test_value_is_shown_as_its_repr(value: object, expected: str):
    assert format_value(value) == expected


def test_number_too_long_for_python_is_shown_by_its_length():
    assert format_value(10**5000) == "a number of about 5,000 digits"
    assert format_value([10**5000]) == "a list that Python cannot print"


def test_middle_of_a_long_value_is_replaced_by_its_length():
    text = format_value("a" * 9998 + "z")
    assert len(text) < LONGEST_VALUE + 50
    assert "(10,001 characters)" in text
    assert text.endswith("z'")
    assert shorten("short", 5) == "short"


def test_too_deeply_nested_value_is_shown_by_its_type():
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert format_value(deep) == "a list nested too deeply to show"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("gelo", "gelo"), ("", "''"), (" ", "' '"), ("\u3000", "'\\u3000'"), ("a\nb", "a\\nb")],
)
def test_only_blank_names_are_quoted(name: str, expected: str):
    assert format_name(name) == expected
