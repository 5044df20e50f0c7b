"""The index of questions and answers of all sweeps."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from labwriter import LabWriter, realistic_outcomes

from ablab.cli import main
from ablab.report.index import report_all, write_index
from ablab.tracking.sealed import read_sealed, write_sealed


@pytest.fixture
def several(writer: LabWriter) -> LabWriter:
    outcomes = realistic_outcomes()
    writer.sweep(outcomes, question="Which <b> & why?")
    early = {"relu": [0.5, None], "elu": [0.6, 0.7]}
    writer.sweep(early, name="early [dataset=digits]", block="digits × mlp", question="And now?")
    return writer


def test_every_sweep_has_its_question_answer_and_page(several: LabWriter) -> None:
    answers = list(report_all(several.lab))
    index = write_index(several.lab, answers)
    page, twin = index.read_text("utf-8"), index.with_suffix(".md").read_text("utf-8")
    for answer in answers:
        assert answer.report is not None
        assert answer.report.html.is_file()
        assert answer.report.verdict in twin.replace("\\", "").replace("&lt;", "<")
        assert answer.link in page
        assert (index.parent / unquote(answer.link)).resolve() == answer.report.html.resolve()
        assert f"]({answer.link})" in twin
    assert [answer.state for answer in answers] == ["answered", "open"]
    assert "2 sweeps, 1 answered" in page
    assert "Which &lt;b&gt; &amp; why?" in page
    assert "not across this page" in page


def test_overrides_stand_beside_the_question_everywhere(
    writer: LabWriter, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABLAB_HOME", str(writer.lab.root))
    outcomes = realistic_outcomes()
    name = writer.sweep(outcomes, name="s [dataset=digits]", question="Which is best on MNIST?")
    writer.sweep(outcomes, name="plain", question="Which is best on MNIST?")
    part = writer.lab.sweep_folder(name) / "part-001.json"
    command = "ablab sweep s dataset=digits sweep.seeds=5"
    write_sealed(part, {**(read_sealed(part) or {}), "command": command})
    assert main(["report", "--all", "--offline", "--latex"]) == 0
    assert main(["report", "s", "--offline"]) == 0
    assert main(["report", "plain", "--offline"]) == 0
    assert capsys.readouterr().out.count("Asked with dataset=digits.\n") == 1
    forms = ("report.html", "report.md", "report.tex", "report.json")
    folder = writer.lab.sweep_folder(name) / "report"
    texts = [(folder / form).read_text("utf-8") for form in forms]
    texts += [(part.parents[1] / f"index.{form}").read_text("utf-8") for form in ("html", "md")]
    for text in texts:
        plain = re.sub("<[^>]+>|`", "", text)
        assert re.search(r"[Aa]sked.with\W+dataset=digits", plain)
    other = writer.lab.sweep_folder("plain") / "report"
    assert not re.search("[Aa]sked with", (other / "report.html").read_text("utf-8"))
    assert main(["compare", "s", "plain", "--to", str(folder)]) == 0
    assert "A is s (asked with dataset=digits), B is plain" in capsys.readouterr().out
    assert "A is s (asked with dataset=digits)" in (folder / "compare.html").read_text("utf-8")


def test_the_index_needs_no_other_file(several: LabWriter) -> None:
    page = write_index(several.lab, list(report_all(several.lab))).read_text("utf-8")
    assert not re.search(r"<(link|script|img|iframe)|https?://|url\(", page)
    assert all(link.endswith("/report/report.html") for link in re.findall(r'href="([^"]+)"', page))


def test_a_sweep_that_cannot_be_reported_does_not_stop_the_others(several: LabWriter) -> None:
    (several.lab.sweep_folder("activations") / "part-001.json").write_text("{")
    broken, intact = report_all(several.lab)
    assert broken.state == "without report"
    assert "part-001.json must be JSON" in broken.error
    assert intact.report is not None
    assert "part-001.json must be JSON" in write_index(several.lab, [broken, intact]).read_text()


def test_an_empty_lab_is_an_error_and_stays_empty(writer: LabWriter) -> None:
    with pytest.raises(ValueError, match="sweeps must be planned before --all reports them"):
        list(report_all(writer.lab))
    assert not (writer.lab.root / "sweeps").exists()


def test_the_command_writes_all_reports_and_prints_the_path(
    several: LabWriter,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("ABLAB_HOME", str(several.lab.root))
    assert main(["report", "--all", "--offline", "--latex"]) == 0
    output = capsys.readouterr().out
    assert "early [dataset=digits]: No verdict yet" in output
    assert f"Index: {several.lab.root / 'sweeps' / 'index.html'}" in output
    assert (several.lab.sweep_folder("activations") / "report" / "report.tex").is_file()
