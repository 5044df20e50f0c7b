"""Cards in notebooks: self-contained HTML in which all text is escaped."""

from html.parser import HTMLParser

import pytest
from labwriter import LabWriter, realistic_outcomes

import ablab
from ablab.report.build import build_report
from ablab.report.card import CardTable, card

BAD = "<img src=x onerror=alert(1)>&\u202e\x07"


class Tags(HTMLParser):
    """Collects the tags of a page, and those that are not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.opened.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tags(html: str) -> set[str]:
    parser = Tags()
    parser.feed(html)
    assert parser.open == []
    return set(parser.opened)


@pytest.mark.parametrize("is_text", [True, False])
def test_text_is_escaped(is_text: bool) -> None:
    table = CardTable((BAD, BAD), [((BAD, BAD), BAD)], is_text=is_text)
    html = card(BAD, BAD, [BAD], [table], [BAD])
    assert "img" not in tags(html)
    assert "\u202e" not in html
    assert "\x07" not in html
    assert html.count("&lt;img") == 9


def test_a_table_without_titles_has_no_head() -> None:
    assert "thead" not in tags(card("Trial", "t", tables=[CardTable(("", ""), [(("a", "1"), "")])]))


def test_a_reading_and_a_report_show_question_verdict_and_variants(writer: LabWriter) -> None:
    sweep = writer.sweep(realistic_outcomes())
    reading = ablab.report.read(sweep, writer.lab.root)
    html = reading._repr_html_()
    assert tags(html) <= {
        *("div", "p", "table", "thead", "tbody"),
        *("tr", "th", "td", "span"),
    }
    assert reading.question in html
    assert "beats sigmoid" in html
    assert all(f">{name}" in html for name in realistic_outcomes())
    written = build_report(writer.lab, sweep)._repr_html_()
    assert reading.question in written
    assert "report.html" in written
    assert "script" not in tags(written)


def test_a_reading_of_nothing_finished_has_a_card(writer: LabWriter) -> None:
    sweep = writer.sweep({"relu": [None, None], "elu": [None, None]})
    assert "No verdict yet" in ablab.report.read(sweep, writer.lab.root)._repr_html_()
