"""A sweep that tests a claim has a section on it, in every form of its report."""

from pathlib import Path

import pytest
from labwriter import LabWriter

from ablab.report.build import build_report

CLAIM = {
    "says": "ELU is better than ReLU, and sigmoid equals it.",
    "source": "S4",
    "hyperparameters": "fixed: all trials have Adam's default",
    "expects": [
        {"expect": "higher", "metric": "test/accuracy", "of": "elu", "than": "relu"},
        {
            "expect": "equal",
            "metric": "test/accuracy",
            "of": "sigmoid",
            "than": "relu",
            "margin": 0.001,
        },
        {"expect": "identity", "check": "shifted_sigmoid"},
    ],
}


@pytest.fixture
def text(writer: LabWriter, realistic: dict[str, list[float]]) -> tuple[str, str]:
    name = writer.sweep(realistic, claim=CLAIM)
    report = build_report(writer.lab, name)
    return Path(report.markdown).read_text("utf-8"), Path(report.html).read_text("utf-8")


def test_the_section_has_a_row_for_each_expectation(text: tuple[str, str]) -> None:
    markdown = text[0]
    section = markdown.partition("## The claim")[2].partition("\n## ")[0]
    assert "ELU is better than ReLU, and sigmoid equals it. Source: S4." in section
    assert "In this setting: contradicted in this setting" not in section
    assert "In this setting: contradicted." in section
    assert "elu higher than relu | supported" in section
    assert "sigmoid equal to relu within 0.001 | contradicted" in section
    assert "identity shifted\\_sigmoid | supported" in section
    assert "relative residual" in section
    assert "Fixed: all trials have Adam's default" in section


def test_the_page_has_the_picture(text: tuple[str, str]) -> None:
    html = text[1]
    assert 'id="claim"' in html
    assert "for the claim" in html


def test_without_a_claim_there_is_no_section(
    writer: LabWriter, realistic: dict[str, list[float]]
) -> None:
    report = build_report(writer.lab, writer.sweep(realistic))
    assert "The claim" not in Path(report.markdown).read_text("utf-8")
