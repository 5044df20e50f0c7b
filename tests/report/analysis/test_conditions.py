"""The note on a busy machine stands beside every time, and only there."""

from dataclasses import replace

import labwriter
import pytest
from labwriter import ENVIRON, LabWriter
from tables_by_hand import rows

from ablab.report.analysis.conditions import load_note
from ablab.report.build import build_report
from ablab.report.page.page import page_of
from ablab.tracking.journal import Entry
from ablab.tracking.plan import find_plan


def table(*shares):
    own = rows({"relu": [98.0] * len(shares)})
    return [
        replace(row, metrics={"cpu_utilization": s}) for row, s in zip(own, shares, strict=True)
    ]


@pytest.mark.parametrize("shares", [(), (1.0, 0.99, 0.93), (3.7, 0.95), (float("nan"),)])
def test_trials_on_an_idle_machine_need_no_note(shares):
    assert load_note(table(*shares)) == ""


def test_the_note_counts_the_trials_and_their_share_of_a_processor():
    note = load_note(table(1.0, 0.5, 0.25, float("nan"), 0.7))
    assert note.startswith("The machine was busy: 3 of 4 trials got a processor for less than 90 %")
    assert "(50 % of it at the median of these)" in note
    assert "1 of 1 trials" in load_note(table(0.3))
    assert "its seconds are higher" in load_note(table(0.3))


@pytest.fixture
def busy(monkeypatch, writer: LabWriter):
    """Writes a sweep of four seeds of two variants that got half of a processor."""
    plain = labwriter.curve

    def timed(final, name, epochs):
        pace = 2.0 if name.startswith("relu") else 3.0
        measured = {"time/epoch_seconds": pace, "cpu/utilization": 0.5}
        return [
            Entry("epoch", e.time, e.epoch, e.metrics, measured) for e in plain(final, name, epochs)
        ]

    monkeypatch.setattr(labwriter, "curve", timed)
    monkeypatch.setitem(labwriter.MEASURED, "cpu/utilization", 0.5)

    def sweep(**more):
        outcomes = {"relu": [0.95, 0.96, 0.94, 0.95], "elu": [0.96, 0.97, 0.96, 0.95]}
        return writer.sweep(outcomes, target=0.5, **more)

    return sweep


def test_the_note_stands_in_every_section_with_times(busy, writer: LabWriter):
    page = page_of(writer.lab, find_plan(writer.lab, busy()))
    noted = {
        chapter.name
        for chapter in page.sections
        for part in chapter.parts
        for item in part.items
        if "The machine was busy: 8 of 8 trials" in item.glossary_text
    }
    assert noted == {"variants", "curves", "speed", "cost"}
    assert "machine was busy" in build_report(writer.lab, "activations").markdown.read_text("utf-8")


def test_times_that_do_not_compare_are_not_shown(busy, writer: LabWriter):
    """No table, picture or sentence shows them."""
    name = busy()
    writer.run(labwriter.key("relu", 0, "mnist × lenet5"), 0.95, ENVIRON | {"cpu": "another"})
    report = build_report(writer.lab, name)
    text = report.markdown.read_text("utf-8")
    assert "Trials ran on different hardware, so times and memory are not compared" in text
    body = text.split("## Provenance")[0]
    assert "61.7 k parameters" in body
    for figure in ("s per epoch", "5.02", "812 MB", "11.0 k", "The machine was busy"):
        assert figure not in body
    assert "s/epoch |" not in body or "| – | – | – |" in body
    assert "seconds of training" not in report.html.read_text("utf-8").split("<h2>Provenance")[0]
