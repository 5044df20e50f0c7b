"""CSV, JSON, LaTeX and PDF: the same numbers as the page, and stable names."""

import csv
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from labwriter import LabWriter, realistic_outcomes, rewrite

from ablab.report.build import Report, build_report
from ablab.report.export.latex_escape import escape
from ablab.report.export.pdf import BROWSERS

ROOT = Path(__file__).parents[3]
NASTY = "a_b%[x]*--\\~^$#{}&<|>\"'`中é"


def read(path: Path) -> str:
    return path.read_text("utf-8")


def records(report: Report, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(read(report.folder / name), newline="")))


def document(report: Report) -> dict:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(read(report.json), parse_constant=refuse)


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> Report:
    writer, outcomes = LabWriter(tmp_path_factory.mktemp("lab")), realistic_outcomes()
    outcomes[NASTY] = [*(value - 0.002 for value in outcomes["relu"][:3]), "failed", "diverged"]
    question = f"Which {NASTY}\nis best?"
    return build_report(writer.lab, writer.sweep(outcomes, question=question), ["latex"])


def test_csv_and_json_hold_the_same_numbers(nasty: Report) -> None:
    content = document(nasty)
    for name in ("trials", "variants", "contrasts"):
        expected = [
            {k: "" if v is None else str(v) for k, v in record.items()} for record in content[name]
        ]
        assert expected == records(nasty, f"{name}.csv")
        assert expected


def test_json_has_question_verdict_and_provenance(nasty: Report) -> None:
    content = document(nasty)
    assert content["verdict"]["sentence"] == nasty.verdict
    assert content["complete"] is True
    assert NASTY in content["question"]
    assert {"fact": "Command", "value": "ablab sweep activations"} in content["provenance"]
    assert any("failed (out of memory" in line for line in content["losses"])


def test_variants_are_the_means_of_their_trials(nasty: Report) -> None:
    trials = records(nasty, "trials.csv")
    for variant in records(nasty, "variants.csv"):
        own = [t for t in trials if t["variant"] == variant["variant"] and t["value"]]
        mean = sum(float(t["value"]) for t in own) / len(own)
        assert float(variant["mean"]) == pytest.approx(mean, rel=1e-12)
        assert int(variant["n"]) == len(own)


def test_contrasts_are_the_differences_of_pairs(nasty: Report) -> None:
    value = {(t["variant"], t["seed"]): t["value"] for t in records(nasty, "trials.csv")}
    for contrast in records(nasty, "contrasts.csv"):
        pairs = [
            (value[contrast["variant"], str(seed)], value[contrast["reference"], str(seed)])
            for seed in range(5)
        ]
        differences = [float(a) - float(b) for a, b in pairs if a and b]
        mean = sum(differences) / len(differences)
        assert float(contrast["mean"]) == pytest.approx(mean, abs=1e-12)
        assert int(contrast["left_out"]) == 5 - len(differences)


def test_no_form_holds_p_before_the_verdict(writer: LabWriter) -> None:
    outcomes = realistic_outcomes()
    outcomes["elu"][4] = None
    report = build_report(writer.lab, writer.sweep(outcomes), ["latex"])
    hidden = {"p", "p_holm", "p_cell", "p_flip", "holm_ci_low", "result", "detectable"}
    assert all(record[name] is None for record in document(report)["contrasts"] for name in hidden)
    assert "Holm" not in read(report.latex)
    assert document(report)["complete"] is False


def test_columns_are_documented(nasty: Report) -> None:
    text = read(ROOT / "docs/report_columns.md")
    for title, name in (("Trials", "trials"), ("Variants", "variants"), ("Contrasts", "contrasts")):
        section = text.split(f"\n## {title}\n")[1].split("\n## ")[0]
        rows = re.findall(r"^\| (`.+?`) \|", section, re.MULTILINE)
        named = [column for row in rows for column in re.findall(r"`(\w+)`", row)]
        assert named == list(document(nasty)[name][0])
    whole = text.split("\n## report.json\n")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", whole, re.MULTILINE) == list(document(nasty))


def tabulars(text: str) -> list[tuple[int, list[list[str]]]]:
    """Return for each table of LaTeX the number of declared columns, and its cells by row."""
    tables = []
    for form, body in re.findall(r"\\begin{tabular}{(l?r*)}\n(.*?)\n\\end{tabular}", text, re.S):
        lines = [line for line in body.splitlines() if line.endswith(r" \\")]
        rows = [re.split(r"(?<!\\) & ", line.removesuffix(r" \\")) for line in lines]
        tables.append((len(form), rows))
    return tables


def test_latex_is_well_formed(nasty: Report) -> None:
    text = re.sub(r"^%.*$", "", read(nasty.latex), flags=re.MULTILINE)
    bare = re.sub(r"\\[\\{}%&#$_]", "", text)
    depth = 0
    for character in bare:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    assert not set("%#") & set(bare)
    assert bare.count("$") % 2 == 0
    ends = re.findall(r"\\(begin|end){(\w+)}", text)
    assert [kind for kind, _ in ends].count("begin") == len(ends) / 2 > 1
    for columns, rows in tabulars(text):
        assert {len(row) for row in rows} == {columns}
        assert len(rows) == 8


def test_latex_has_the_numbers_of_the_page(nasty: Report) -> None:
    (_, rows), (_, costs) = tabulars(read(nasty.latex))
    lines = [line.split("|") for line in read(nasty.markdown).splitlines() if "| elu |" in line]
    shown = [cell.strip() for cell in lines[0]]
    (elu,) = [row for row in rows if row[0] == "elu"]
    for cell in elu[1:4]:
        assert cell.replace(r"\%", "%") in shown
    assert ["elu", "61.7 k", "833 k", "11.0 k", "5.02", "812 M"] in costs
    assert escape(nasty.verdict) in read(nasty.latex)
    assert read(nasty.latex).count(escape(NASTY)) >= 2


def several_blocks(writer: LabWriter, **spec: object) -> Report:
    blocks, outcomes = ("mnist × lenet5", "digits × mlp"), realistic_outcomes()
    few = {variant: outcomes[variant] for variant in ("relu", "elu", "tanh", "sigmoid")}
    for block in blocks:
        writer.sweep(few, block=block, name="one")
    cells = [(v, s, b) for b in blocks for v in few for s in range(5)]
    writer.part("both", cells, list(few), **spec)
    return build_report(writer.lab, "both", ["latex"])


def test_several_blocks_have_a_table_each_and_one_across(writer: LabWriter) -> None:
    report = several_blocks(writer)
    content, text = document(report), read(report.latex)
    scopes = [contrast["scope"] for contrast in content["contrasts"]]
    assert scopes == ["block"] * 6 + ["across"] * 3
    assert content["ranks"]["over"] == "blocks"
    assert len(tabulars(text)) == 5
    assert "p is corrected over all variants and blocks" in text
    assert "Across blocks, first averaged over the blocks within each seed, in points." in text
    across = {c["variant"]: c for c in content["contrasts"] if c["scope"] == "across"}
    blocks = [c for c in content["contrasts"] if c["scope"] == "block" and c["variant"] == "elu"]
    mean = sum(c["mean"] for c in blocks) / 2
    assert across["elu"]["mean"] == pytest.approx(mean)


def test_two_factors_have_their_effects(writer: LabWriter) -> None:
    outcomes = realistic_outcomes()
    names = ("none · none", "none · half", "batch · none", "batch · half")
    drawn = dict(zip(names, (outcomes[v] for v in ("sigmoid", "tanh", "relu", "elu")), strict=True))
    writer.sweep(drawn, question_kind="factors")
    part = writer.lab.sweep_folder("activations") / "part-001.json"
    content = json.loads(read(part))
    for name in names:
        a, b = name.split(" · ")
        content["spec"]["variants"][name] = {"normalization": a, "dropout": b}
    rewrite(part, content)
    report = build_report(writer.lab, "activations", ["latex"])
    contrasts = {c["variant"]: c for c in document(report)["contrasts"] if c["scope"] == "factors"}
    assert set(contrasts) == {"normalization: batch", "dropout: half", "normalization × dropout"}
    own = [c for c in document(report)["contrasts"] if c["scope"] == "block"]
    assert {c["p"] for c in own} == {c["result"] for c in own} == {None}
    assert "Effects of two factors, in points." in read(report.latex)
    assert r"normalization $\times$ dropout" in read(report.latex)


def test_equivalence_has_its_own_interval_and_result(writer: LabWriter) -> None:
    report = build_report(
        writer.lab,
        writer.sweep(realistic_outcomes(), question_kind="equivalence", margin=0.004),
        ["latex"],
    )
    contrasts = {c["variant"]: c for c in document(report)["contrasts"]}
    assert {c["margin"] for c in contrasts.values()} == {0.004}
    assert contrasts["elu"]["equivalence"] == "equivalent"
    assert contrasts["sigmoid"]["equivalence"] == "different"
    (_, rows), _ = tabulars(read(report.latex))
    assert rows[0][7] == "equivalence"
    assert [row[7] for row in rows if row[0] == "sigmoid"] == ["different"]


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="needs pdflatex with booktabs")
def test_latex_compiles(nasty: Report, tmp_path: Path) -> None:
    letters = "".join(map(chr, [*range(0x20, 0x7F), *range(0xA0, 0x250), 0x4E2D, 0x1F600]))
    (tmp_path / "paper.tex").write_text(
        "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n"
        f"\\input{{{nasty.latex}}}\n{escape(letters)}\n\\end{{document}}\n",
        "utf-8",
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-800:].decode("utf-8", "replace")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on PATH, which has no browser."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(
        "ablab.report.export.pdf.BROWSERS", ("chromium-for-test", "chrome-for-test")
    )
    return folder


def browser(folder: Path, script: str) -> None:
    program = folder / "chrome-for-test"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


PRINTS = """
for word; do case "$word" in
    --print-to-pdf=*) out=${word#*=} ;;
    file://*) page=${word#file://} ;;
esac; done
{ echo "%PDF-1.4"; wc -c <"$page"; echo "$*"; } >"$out"
"""


def test_pdf_is_the_page_printed_by_a_browser(writer: LabWriter, path: Path) -> None:
    browser(path, PRINTS)
    report = build_report(writer.lab, writer.sweep({"relu": [0.5], "elu": [0.6]}), ["pdf"])
    first, size, words = read(report.pdf).splitlines()
    assert first.startswith("%PDF")
    assert int(size) == report.html.stat().st_size
    assert "--headless" in words
    assert "--no-pdf-header-footer" in words


def test_without_a_browser_the_error_says_what_to_do(writer: LabWriter, path: Path) -> None:
    name = writer.sweep({"relu": [0.5], "elu": [0.6]})
    with pytest.raises(ValueError, match=r"--pdf must find chromium.*install one, or print /"):
        build_report(writer.lab, name, ["pdf"])
    folder = writer.lab.sweep_folder(name) / "report"
    assert (folder / "report.html").is_file()
    assert not (folder / "report.pdf").exists()


@pytest.mark.parametrize("script", ["echo no display >&2; exit 1", "exit 0"])
def test_a_browser_that_prints_nothing_is_an_error(
    script: str, writer: LabWriter, path: Path
) -> None:
    browser(path, script)
    with pytest.raises(ValueError, match=r"must print .*, got no PDF(: no display)?"):
        build_report(writer.lab, writer.sweep({"relu": [0.5], "elu": [0.6]}), ["pdf"])


def test_a_form_that_was_requested_once_is_updated(writer: LabWriter, path: Path) -> None:
    browser(path, PRINTS)
    report = build_report(writer.lab, writer.sweep({"relu": [0.5]}), ["latex", "pdf"])
    writer.sweep({"relu": [0.5], "elu": [0.75]}, name="activations", question="Which now?")
    build_report(writer.lab, "activations")
    assert "75.00" in read(report.latex)
    assert int(read(report.pdf).splitlines()[1]) == report.html.stat().st_size


def test_a_pdf_that_cannot_be_updated_is_renamed(
    writer: LabWriter, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser(path, PRINTS)
    report = build_report(writer.lab, writer.sweep({"relu": [0.5]}), ["pdf"])
    printed = report.pdf.read_bytes()
    monkeypatch.setattr("ablab.report.export.pdf.BROWSERS", ())
    assert build_report(writer.lab, "activations").html.is_file()
    assert not report.pdf.exists()
    assert (report.folder / "earlier.pdf").read_bytes() == printed


def test_forms_are_written_on_request_only(writer: LabWriter) -> None:
    report = build_report(writer.lab, writer.sweep({"relu": [0.5]}))
    assert not report.latex.exists()
    assert not report.pdf.exists()


def test_browsers_of_all_systems_are_searched() -> None:
    assert {"chromium", "google-chrome", "microsoft-edge"} <= set(BROWSERS)
