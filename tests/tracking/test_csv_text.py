"""CSV: a spreadsheet evaluates no text, and reading gives the original texts."""

import csv
from pathlib import Path

import pytest

from ablab.tracking.csv_text import read_rows, to_csv

FORMULAS = (
    *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("x","y")', "-"),
    *("\uff1d1", "\uff0b1", "\uff0d1", "\uff20x", "'=1", "''-1"),
)
PLAIN = ("relu", "a=b", "w/o BN", "1e-3", "'quoted'", "", " =1", 'a,b;c"d', "ünï", "1-2")


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_is_a_formula(text: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(to_csv([[text, 1]]), "utf-8", newline="")
    with path.open(encoding="utf-8", newline="") as stream:
        ((cell, _),) = csv.reader(stream)
    assert cell == f"'{text}"
    assert read_rows(path) == [[text, "1"]]


@pytest.mark.parametrize("text", PLAIN)
def test_other_texts_are_not_changed(text: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(to_csv([[text, "x"]]), "utf-8", newline="")
    with path.open(encoding="utf-8", newline="") as stream:
        assert next(csv.reader(stream)) == [text, "x"]
    assert read_rows(path) == [[text, "x"]]


def test_numbers_stay_numbers() -> None:
    assert to_csv([[-1, -0.5, 1e-9, None, True]]) == "-1,-0.5,1e-09,,True\n"
