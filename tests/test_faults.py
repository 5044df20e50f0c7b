"""Every fault is one line with a visible value."""

import pytest

from ablab.faults import ConfigError
from ablab.text import LONGEST_FAULT


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", "''"),
        (" ", "' '"),
        ("\u00a0", "'\\xa0'"),
        ("\n", "'\\n'"),
        ("relu", "relu"),
        ("None", "None"),
    ],
)
def test_blank_value_is_quoted(value: str, expected: str):
    assert ConfigError([f"key must be a word, got {value}"]).faults == (
        f"key must be a word, got {expected}",
    )


def test_fault_of_any_text_is_one_short_printable_line():
    error = ConfigError(["key must be x, got \x1b[31m\nred " + "y" * 50_000])
    (line,) = str(error).split("\n")
    assert line.startswith("key must be x, got \\x1b[31m\\nred yyy")
    assert len(line) < LONGEST_FAULT + 50


def test_faults_beyond_the_limit_are_counted():
    error = ConfigError([f"key{n} must be x, got y" for n in range(5000)])
    assert len(error.faults) == 101
    assert error.faults[-1] == "further faults must be fixed as well, got 4,900 more"
