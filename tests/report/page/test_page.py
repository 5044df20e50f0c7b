"""The page, the Markdown file and the table of trials."""

import csv
import html
import io
import json
import re
import subprocess
import sys
import time
from html.parser import HTMLParser

import pytest
from labwriter import ENVIRON, START, LabWriter, realistic_outcomes, rewrite

from ablab.formatting import MINUS
from ablab.report.build import build_report
from ablab.report.markup import unbroken

VOID = {"meta", "link", "br", "hr", "img", "input"}
INLINE = {"a", "abbr", "code", "small", "span"}
NASTY = "<script>alert('x')</script> | $a_1$ *b* & =1"


class Reader(HTMLParser):
    """Checks that every element is closed; collects text, attributes and table cells."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.attributes, self.tags = [], [], [], []
        self.rows = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.text += [] if tag in INLINE else [" "]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("script", "style"):
            return
        self.text.append(data)
        if {"td", "th"} & set(self.open[-2:]) and self.rows:
            self.rows[-1][-1] += data

    @property
    def words(self):
        return " ".join("".join(self.text).split())


def read(path):
    return path.read_text("utf-8")


@pytest.fixture(scope="module")
def nasty(tmp_path_factory):
    writer, outcomes = LabWriter(tmp_path_factory.mktemp("lab")), realistic_outcomes()
    outcomes[NASTY] = [value - 0.002 for value in outcomes["relu"][:4]]
    outcomes["sigmoid"][2], outcomes["tanh"][1], outcomes["prelu"][4] = (
        "diverged",
        "diverged 0.93",
        "failed",
    )
    excluded = [{"variant": "softmax", "block": "", "reason": "trains nothing <b>"}]
    name = writer.sweep(outcomes, question="Which <activation> & why?", excluded=excluded)
    return build_report(writer.lab, name)


def test_the_page_is_well_formed_and_stands_alone(nasty):
    page = Reader(read(nasty.html))
    assert page.tags.count("script") == 1
    assert not {"link", "img", "iframe", "object"} & set(page.tags)
    for name, value in page.attributes:
        if name in ("src", "href", "xlink:href", "action"):
            assert value.startswith("#"), (name, value)
    assert not re.search(r"url\((?!#)|@import|https?://", read(nasty.html))
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids)) > 0


def test_names_of_users_are_escaped(nasty):
    assert NASTY in Reader(read(nasty.html)).words
    assert read(nasty.html).count("<script") == 1
    assert "<script" not in read(nasty.markdown)
    assert "out of memory <script>alert(1)</script>" in Reader(read(nasty.html)).words


def test_figures_have_labels_and_use_the_colors_of_the_page(nasty):
    text = read(nasty.html)
    page = Reader(text)
    assert page.tags.count("svg") == len(re.findall(r'<svg [^>]*role="img" aria-label="[^"]', text))
    assert page.tags.count("svg") >= 2
    labels = [value for name, value in page.attributes if name == "aria-label"]
    assert any("Paired differences of test/accuracy from relu" in label for label in labels)
    svg = "".join(re.findall(r"<svg.*?</svg>", read(nasty.html), flags=re.DOTALL))
    assert "var(--series-0)" in svg
    assert set(re.findall(r"(?:fill|stroke): (#\w+)", svg)) == set()
    used, defined = (
        set(re.findall(p, read(nasty.html))) for p in (r"var\((--[\w-]+)\)", r"(--[\w-]+):")
    )
    assert used <= defined


def test_sections_are_in_order(nasty):
    text, last = Reader(read(nasty.html)).words, -1
    for part in (
        *("Which <activation> & why?", "At fixed hyper-parameters", "Differences, seed by seed"),
        *("Variants", "Learning curves", "Cost and quality", "Incomplete trials"),
        *("Reliability", "Provenance", "Glossary"),
    ):
        position = text.index(part, last + 1)
        assert position > last
        last = position


def test_incomplete_trials_are_reported(nasty):
    text = Reader(read(nasty.html)).words
    assert "sigmoid · seed 2: diverged (diverged before validation chose" in text
    assert "tanh · seed 1: diverged (counts with the epoch that validation chose)" in text
    assert "prelu · seed 4: failed (out of memory" in text
    assert "softmax: excluded by the sweep (trains nothing <b>)" in text
    assert "2 diverged, 1 failed, 31 finished" in text
    assert "sigmoid (1 of 5) and tanh (1 of 5)" in text
    assert "pairs left out because a trial has no result: prelu (1)" in nasty.verdict


def test_diverged_trials_count(nasty):
    rows = list(csv.DictReader(io.StringIO(read(nasty.csv))))
    value = {(r["variant"], r["seed"]): r["value"] for r in rows}
    assert value["sigmoid", "2"] == "0.1"
    assert value["tanh", "1"] == "0.93"
    assert value["prelu", "4"] == ""


def markdown_rows(text):
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [re.split(r"(?<!\\) \|", html.unescape(line))[:-1] for line in lines]
    return [[re.sub(r"\\(.)", r"\1", c.lstrip("| ").strip()) for c in row] for row in cells]


def test_html_and_markdown_agree(writer, realistic):
    report = build_report(writer.lab, writer.sweep(realistic))
    page = [[unbroken(" ".join(c.split())) for c in row] for row in Reader(read(report.html)).rows]
    markdown = [[unbroken(c) for c in row] for row in markdown_rows(read(report.markdown))]
    markdown[2][0] = markdown[2][0].replace("(baseline)", "baseline")
    assert page[1:] == [row for row in markdown if not set("".join(row)) <= set("-:")]
    assert report.verdict in html.unescape(read(report.markdown)).replace("\\", "")
    assert report.verdict in Reader(read(report.html)).words


def test_table_and_csv_agree(writer, realistic):
    report = build_report(writer.lab, writer.sweep(realistic))
    rows = list(csv.DictReader(io.StringIO(read(report.csv))))
    assert len(rows) == 30
    for variant in realistic:
        values = [float(r["value"]) for r in rows if r["variant"] == variant]
        (shown,) = [r for r in Reader(read(report.html)).rows if r[0].split()[:1] == [variant]][:1]
        assert shown[1] == f"{100 * sum(values) / 5:.2f} %"
    assert {r["parameters"] for r in rows} == {"61706"}
    assert {r["peak_bytes"] for r in rows} == {"812000000"}


def differences(report):
    return re.findall(r"<svg.*?</svg>", read(report.html), flags=re.DOTALL)[0]


def test_p_is_shown_only_where_a_verdict_is(writer, realistic):
    done = build_report(writer.lab, writer.sweep(realistic, name="done"))
    realistic["elu"][4] = None
    outcomes = {v: [f if f is None else f + 0.0001 for f in per] for v, per in realistic.items()}
    early = build_report(writer.lab, writer.sweep(outcomes, name="early", block="mnist × mlp"))
    assert done.complete
    assert not early.complete
    assert early.verdict == "No verdict yet: 29 of 30 trials are done."
    for report, there in ((done, True), (early, False)):
        rows = Reader(read(report.html)).rows
        columns = {" ".join(cell.split()) for row in rows for cell in row}
        assert ("sign-flip p" in columns) == there
        assert "95 % interval" in {c.replace("\u00a0", " ") for c in columns}


def test_an_interval_with_a_diverged_trial_is_marked(nasty):
    rows = {row[0]: row for row in Reader(read(nasty.html)).rows if len(row) > 10}
    column = rows["variant"].index("95 % interval")
    marked = {variant for variant, row in rows.items() if row[column].endswith("*")}
    assert marked == {"sigmoid", "tanh"}
    assert "* unreliable" in read(nasty.html)
    assert "* unreliable" in read(nasty.markdown).replace("\\", "")


def test_a_mean_over_fewer_trials_says_so(nasty):
    rows = {row[0]: row for row in Reader(read(nasty.html)).rows if len(row) > 10}
    column = rows["variant"].index("last epoch")
    assert rows["tanh"][column].endswith("(n = 4)")
    assert rows["elu"][column].endswith("%")


def test_a_question_without_baseline_still_has_its_table(writer, realistic):
    name = writer.sweep(realistic, question_kind="factors", baseline=None)
    report = build_report(writer.lab, name)
    text = Reader(read(report.html)).words
    assert "99.26 %" in text
    assert "None" not in text.replace("None: every trial", "")


def test_leader_and_baseline_are_marked(writer, realistic):
    report = build_report(writer.lab, writer.sweep(realistic, question_kind="best"))
    rows = [" ".join(row[0].split()) for row in Reader(read(report.html)).rows if row]
    assert "elu chosen as the highest of 6" in rows
    assert "relu baseline" in rows
    assert sum(f" {MINUS} " in row for row in rows) == 15


def test_several_blocks_have_a_table_each_below_that_of_all(writer, realistic):
    few = {v: realistic[v] for v in ("relu", "elu")}
    writer.sweep(few)
    writer.sweep(few, block="digits × mlp", name="other")
    places = [(v, s, b) for b in ("mnist × lenet5", "digits × mlp") for v in few for s in range(5)]
    writer.part("both", places, list(few))
    report = build_report(writer.lab, "both")
    page = Reader(read(report.html))
    assert "averaged over 2 blocks" in report.verdict
    assert page.tags.count("svg") == 5
    assert [len(r) for r in page.rows if r and r[0] == "elu"] == [8, 14, 14]
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_mixed_and_dirty_trials_are_reported_at_the_top(writer, realistic):
    writer.sweep(realistic, environ=ENVIRON | {"dirty": True})
    other = ENVIRON | {"source_hash": "ffff", "cpu": "another"}
    writer.sweep({"relu": [0.5]}, name="again", environ=other)
    report = build_report(writer.lab, "activations")
    text = Reader(read(report.html)).words
    start = text.index("Differences, seed by seed")
    assert "2 versions of ablab's source: 5f1c0a9e (29 trials), ffff (1 trial)" in text[:start]
    assert "29 of 30 trained trials ran with uncommitted changes" in text[:start]
    assert "different hardware, so times and memory are not compared" in text[:start]
    assert "11.0 k" not in text
    assert "61.7 k" in text


def test_the_same_records_give_the_same_bytes(writer, realistic):
    name = writer.sweep(realistic)
    first = build_report(writer.lab, name)
    before = [path.read_bytes() for path in (first.html, first.markdown, first.csv)]
    file = writer.lab.sweep_folder(name) / "part-001.json"
    part = json.loads(read(file))
    part["cells"].reverse()
    rewrite(file, part)
    again = build_report(writer.lab, name)
    assert [path.read_bytes() for path in (again.html, again.markdown, again.csv)] == before
    assert sorted(p.name for p in first.folder.iterdir()) == [
        *("contrasts.csv", "report.html", "report.json", "report.md", "trials.csv"),
        "variants.csv",
    ]


def test_trials_of_an_older_version_leave_cells_empty(writer):
    name = writer.sweep({"relu": [0.5, 0.6, 0.7], "elu": [0.6, 0.7, 0.9]}, environ={})
    for path in (writer.lab.root / "trials").glob("*/*/completion.json"):
        content = json.loads(read(path))
        content |= {"facts": {}, "measured": {}}
        content["metrics"] = {"test/accuracy": content["metrics"]["test/accuracy"]}
        rewrite(path, content)
    report = build_report(writer.lab, name)
    assert report.complete
    assert not re.search(r"\bnan\b", Reader(read(report.html)).words.lower())
    assert "nan" not in read(report.csv)


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds_make_a_page_without_claims(writer, realistic, seeds):
    report = build_report(writer.lab, writer.sweep({v: f[:seeds] for v, f in realistic.items()}))
    assert report.complete
    assert report.verdict.startswith(f"No verdict from n = {seeds}")
    assert "beats" not in Reader(read(report.html)).words


def test_an_unknown_sweep_is_an_error_that_lists_the_known_ones(writer, realistic):
    writer.sweep({"relu": realistic["relu"]})
    with pytest.raises(ValueError, match=r"one that was planned: activations; got x"):
        build_report(writer.lab, "x")


def test_other_metrics_are_shown_as_they_are(writer, realistic):
    name = writer.sweep(realistic, metric="test/loss", goal="min")
    report = build_report(writer.lab, name)
    text = Reader(read(report.html)).words
    assert "1.0000" in text
    assert "points" not in report.verdict
    assert "Left of the line is better" in text


def test_neither_torch_nor_mlflow_is_imported():
    code = (
        "import sys, ablab.report.build, ablab.report.page.figures.curves; "
        "print([m for m in ('torch', 'mlflow', 'pandas') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_times_are_those_of_the_trials(writer, realistic):
    report = build_report(writer.lab, writer.sweep(realistic))
    planned = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(START))
    assert f"Planned: {planned}" in read(report.markdown)
