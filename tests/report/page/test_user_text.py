"""Unusual names and questions are shown unchanged and escaped in every form."""

import csv
import json
import re
import shlex
from pathlib import Path

import pytest
from labwriter import LabWriter
from test_foreign_report import NAMING, FakeStore, run
from test_page import Reader, markdown_rows

import ablab.report
from ablab.report.build import Report, build_report, write_report
from ablab.report.mlflow.naming import Naming
from ablab.report.mlflow.report import foreign_page
from ablab.tracking.csv_text import read_rows

NAMES = (
    *("活性化", "🙂"),
    *("w/o BN", "BN & dropout (50%)", "a|b", "<b>bold</b>", "resnet_18", "ünïcode–net", "=1+1"),
    *("{'lr': 0.1}", "-0.5", "+x", "@y", "two\nlines", "tab\there", "`code`", "```", "$x$", "\\n"),
    *("turn\u202eround", "\u2066isolated", "bell\x07", "esc\x1b[31m", "long " * 60 + "name"),
    *(
        "{{ 1 + 1 }}",
        "{% raw %}",
        "&amp;",
        "# head",
        "- item",
        "[a](b)",
        "'=quoted",
        "*",
        "nul\x00",
    ),
)
STEERING = re.compile("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x7f-\x9f]")
QUESTION = "Which of `these`, =1+1 or a|b\nor \u202e<script>alert(1)</script>?"


def shown(text: str) -> str:
    """Return a text as a page shows it: on one line, with control characters as escapes."""
    text = " ".join(text.split())
    return STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[LabWriter, Report]:
    writer = LabWriter(tmp_path_factory.mktemp("lab"))
    outcomes = {name: [0.9 - 0.01 * i, 0.91, 0.92 - 0.003 * i] for i, name in enumerate(NAMES)}
    excluded = [{"variant": name, "block": "", "reason": name} for name in NAMES]
    writer.sweep(outcomes, question=QUESTION, excluded=excluded)
    return writer, build_report(writer.lab, "activations", ["latex"])


def test_the_page_shows_every_name_escaped(written: tuple[LabWriter, Report]) -> None:
    text = written[1].html.read_text("utf-8")
    page = Reader(text)
    assert not STEERING.search(text)
    assert page.tags.count("script") == 1
    assert "b" not in page.tags
    assert shown(QUESTION) in page.words
    for name in NAMES:
        assert f"{shown(name)}: excluded by the sweep ({shown(name)})" in page.words


def test_markdown_shows_every_name_in_a_cell_of_its_own(written: tuple[LabWriter, Report]) -> None:
    text = written[1].markdown.read_text("utf-8")
    assert not STEERING.search(text)
    assert "<b>" not in text
    assert "<script" not in text
    cells = {row[0].removesuffix(" (baseline)") for row in markdown_rows(text)}
    for name in NAMES:
        # `\\u202e` and the like begin with a backslash that Markdown shows; the reader drops it.
        bare = {shown(name), shown(name).replace("\\", "")}
        assert bare & cells, name


def test_csv_and_json_hold_texts_as_given(written: tuple[LabWriter, Report]) -> None:
    writer, report = written
    header, *rows = read_rows(report.csv)
    column = header.index("variant")
    assert {row[column] for row in rows} == set(NAMES)
    with report.csv.open(encoding="utf-8", newline="") as stream:
        cells = [cell for row in csv.DictReader(stream) for cell in row.values()]
    assert not [cell for cell in cells if cell and cell[0] in "=+-@\t\r\n"]
    content = json.loads(report.json.read_text("utf-8"))
    assert {trial["variant"] for trial in content["trials"]} == set(NAMES)
    assert content["question"] == QUESTION
    read = ablab.report.read("activations", writer.lab.root)
    assert set(read.trials.variant) == set(NAMES)
    assert set(read.contrasts.variant) == set(NAMES[1:])


def test_negative_numbers_in_csv_are_numbers(written: tuple[LabWriter, Report]) -> None:
    with (written[1].folder / "contrasts.csv").open(encoding="utf-8", newline="") as stream:
        means = [float(row["mean"]) for row in csv.DictReader(stream)]
    assert min(means) < 0


def test_latex_holds_every_name_in_a_line(written: tuple[LabWriter, Report]) -> None:
    text = written[1].latex.read_text("utf-8")
    assert not STEERING.search(text)
    assert text.isprintable() or set(filter(lambda c: not c.isprintable(), text)) == {"\n"}
    tables = re.findall(r"\\midrule\n(.*?)\n\\bottomrule", text, flags=re.DOTALL)
    assert len(tables[0].splitlines()) == len(NAMES)


def test_names_of_mlflow_runs_are_escaped_and_the_command_is_quoted(tmp_path: Path) -> None:
    runs = [run(n, s, 0.9 + 0.001 * s + 0.002 * i) for i, n in enumerate(NAMES) for s in range(3)]
    naming = Naming(**{**vars(NAMING), "baseline": "=1+1", "question": QUESTION})
    made = write_report(foreign_page(FakeStore(runs), naming), tmp_path)  # type: ignore[arg-type]
    text = made.html.read_text("utf-8")
    assert not STEERING.search(text)
    assert Reader(text).tags.count("script") == 1
    (line,) = [
        x for x in made.markdown.read_text("utf-8").splitlines() if x.startswith("- Command")
    ]
    assert line.count("``") == 2
    command = json.loads(made.json.read_text("utf-8"))["provenance"][0]["value"]
    words = shlex.split(command)
    assert words[words.index("--question") + 1] == QUESTION
    assert words[words.index("--baseline") + 1] == "=1+1"
