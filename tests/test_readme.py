"""README.md: short, and its numbers and pictures are those of one run of the demo."""

import re
from pathlib import Path

import pytest
from documented import ROOT, Step, faults, run
from PIL import Image

from ablab.catalogue.doctor import findings

TEXT = (ROOT / "README.md").read_text("utf-8")
PICTURES = ROOT / "docs" / "pictures"


def quoted() -> list[str]:
    """The question and the answer of the demo, as quoted, without the marks of a quote."""
    lines = re.findall(r"^>(.*)$", TEXT, re.MULTILINE)
    question, answer = " ".join(line.strip() for line in lines).split("**")[1:]
    return [question, answer.strip()]


def test_it_is_short() -> None:
    assert len(TEXT.encode()) <= 10 * 1024


def test_question_verdict_and_picture_stand_in_the_first_screen() -> None:
    start = TEXT.splitlines()[:16]
    assert any(line.startswith("> **") for line in start)
    assert any(line.startswith("![") for line in start)
    assert "    make demo " in TEXT.split("## ")[0]
    assert "    make test " in TEXT.split("## ")[0]


def test_pictures_are_shown_small_and_of_the_run_that_is_quoted() -> None:
    pictures = [PICTURES / name for name in ("dashboard.png", "report.png")]
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", TEXT)
    assert sorted(shown) == [str(file.relative_to(ROOT)) for file in pictures]
    answer = quoted()[1].removesuffix(" …")
    for file in pictures:
        assert file.stat().st_size < 300_000
        with Image.open(file) as picture:
            assert picture.info["verdict"].startswith(answer), "python docs/screenshots.py"


def test_counts_are_current() -> None:
    sweeps = len(list((ROOT / "sweeps").glob("*.yaml")))
    assert f"{sweeps} of them come with ablab" in TEXT
    assert f"{dict(findings())['components']} components" in TEXT


@pytest.mark.slow
def test_the_demo_answers_as_quoted(tmp_path: Path) -> None:
    question, answer = quoted()
    output = run(Step("", "", ("ablab", "sweep", "demo", "--report")), tmp_path)
    assert question in output
    found = re.search(r"^At fixed hyper-parameters.*?^Report: ", output, re.M | re.S)
    assert found, output
    line = " ".join(found[0].removesuffix("Report: ").split())
    assert faults([answer], f"{line}\n") == []
