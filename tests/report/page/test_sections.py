"""The sections of the page."""

import base64
import hashlib
import json
import re

from labwriter import LabWriter, deliver_pictures, key, rewrite

from ablab.report.analysis.cost import pareto
from ablab.report.analysis.table import read_table
from ablab.report.build import build_report
from ablab.report.page.context import MOST_LINES, MOST_TABLED, choose
from ablab.report.page.figures.ranks import cliques
from ablab.report.page.page import Page
from ablab.report.page.table import Table
from ablab.tracking.journal import Entry
from ablab.tracking.plan import read_plan

MEANS = {"relu": 0.95, "elu": 0.955, "gelu": 0.957, "tanh": 0.93}


def outcomes(means, seeds=5):
    return {
        v: [m + 0.001 * ((7 * s + i) % 5) for s in range(seeds)]
        for i, (v, m) in enumerate(means.items())
    }


def edit(writer, name, **spec):
    """Change the question of a plan."""
    file = writer.lab.sweep_folder(name) / "part-001.json"
    part = json.loads(file.read_text("utf-8"))
    part["spec"] |= spec
    rewrite(file, part)


def page_of(writer, name):
    plan = read_plan(writer.lab.sweep_folder(name))
    return Page(plan, read_table(writer.lab, plan))


def sections(writer, name):
    return {section.name: section for section in page_of(writer, name).sections}


def items(section, kind):
    return [item for part in section.parts for item in part.items if item.kind == kind]


def many_blocks(writer, count):
    blocks = [f"data{i} × lenet5" for i in range(count)]
    for number, block in enumerate(blocks):
        shifted = {v: m - 0.01 * number for v, m in MEANS.items()}
        writer.sweep(outcomes(shifted), block=block, name=f"part{number}")
    places = [(v, s, b) for b in blocks for v in MEANS for s in range(5)]
    settings = {b: {"dataset": b.split(" ")[0]} for b in blocks}
    writer.part("many", places, list(MEANS), blocks=settings, target=0.8)
    return "many"


def test_sections_are_in_order(writer: LabWriter) -> None:
    names = list(sections(writer, many_blocks(writer, 6)))
    assert names == [
        *("differences", "variants", "setup", "curves", "speed", "cost", "blocks"),
        *("incomplete", "reliability"),
    ]
    name = writer.sweep(outcomes({"none, none": 0.5, "none, dropout": 0.6, "batch, none": 0.7}))
    assert "speed" not in sections(writer, name)
    assert "blocks" not in sections(writer, name)


def test_ids_are_unique_and_every_figure_has_a_label(writer: LabWriter) -> None:
    html = build_report(writer.lab, many_blocks(writer, 6)).html.read_text("utf-8")
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids)) > 20
    openings = re.findall(r"<svg [^>]*>", html)
    assert len(openings) > 10
    assert all(re.search(r'role="img" aria-label="[^"]{20,}"', opening) for opening in openings)
    links = re.findall(r'href="#([^"]+)"', html)
    assert set(links) <= set(ids)


def test_blocks_after_the_first_are_folded_and_a_note_names_the_rest(writer: LabWriter) -> None:
    curves = sections(writer, many_blocks(writer, 8))["curves"]
    assert [part.folded for part in curves.parts] == [False, *5 * [True], False]
    (note,) = curves.parts[-1].items
    assert note.text.startswith("The first 6 of 8 blocks are shown")


def test_ranks_and_critical_difference_are_drawn(writer: LabWriter) -> None:
    shown = items(sections(writer, many_blocks(writer, 6))["blocks"], "picture")
    label = re.search(r'aria-label="([^"]+)"', shown[1].figures[0])
    assert label
    assert label[1].startswith("Mean ranks over 6 datasets, 1 is the best: gelu 1")
    assert "critical difference" in shown[1].figures[0]
    assert "Friedman" in shown[1].caption


def test_cliques_are_the_longest_runs_within_the_critical_difference() -> None:
    assert cliques([1.0, 2.0, 3.0, 9.0], 2.0) == [(1.0, 3.0)]
    assert cliques([1.0, 3.0, 5.0], 1.9) == []


def test_the_pareto_front_is_not_dominated() -> None:
    points = [(c % 7, (c * c) % 11) for c in range(40)]
    dominated = [any(a <= c and b >= g and (a, b) != (c, g) for a, b in points) for c, g in points]
    assert pareto(points) == [not under for under in dominated]


def test_two_factors_have_an_interaction_plot_and_effects_in_place_of_tests(
    writer: LabWriter,
) -> None:
    means = {"none, none": 0.5, "none, dropout": 0.53, "batch, none": 0.56, "batch, dropout": 0.57}
    name = writer.sweep(outcomes(means), question_kind="factors")
    settings = {
        v: dict(zip(("normalization", "dropout"), v.split(", "), strict=True)) for v in means
    }
    edit(writer, name, variants=settings)
    shown = sections(writer, name)
    (table,) = items(shown["factors"], "table")
    assert [texts[0] for texts, _ in table.table.rows] == [
        *("normalization: batch", "dropout: dropout", "normalization × dropout"),
    ]
    assert "Holm p" in table.table.columns
    assert "Holm p" not in items(shown["variants"], "table")[0].table.columns
    (plot,) = items(shown["factors"], "picture")
    assert "batch with dropout" in plot.figures[0]


def test_equivalence_shows_margin_and_results(writer: LabWriter) -> None:
    means = {"max": 0.99, "mean": 0.9901, "none": 0.95}
    name = writer.sweep(outcomes(means), question_kind="equivalence", margin=0.005)
    shown = sections(writer, name)
    table = items(shown["variants"], "table")[0].table
    found = table.columns.index("result")
    assert [texts[found] for texts, _ in table.rows] == ["–", "equivalent", "different"]
    assert (
        "The band between dashed lines is the margin"
        in items(shown["differences"], "picture")[0].caption
    )


def test_censored_trials_are_shown_as_such(writer: LabWriter) -> None:
    name = writer.sweep(outcomes({"relu": 0.95, "slow": 0.85}), target=0.9)
    speed = sections(writer, name)["speed"]
    table = items(speed, "table")[0].table
    rows = {texts[0]: texts for texts, _ in table.rows}
    assert rows["slow"][1] == "0 of 5"
    assert rows["slow"][2] == "12.0"
    assert not [column for column in table.columns if column.startswith("ratio of")]
    assert rows["relu"][1] == "5 of 5"


def test_a_column_of_dashes_is_left_out_with_its_title() -> None:
    spans = (("", 1), ("quality", 2), ("cost", 2))
    rows = ((("a", "1", "–", "–", "–"), ""), (("b", "2", "3", "–", "–"), "baseline"))
    table = Table(spans, ("variant", "mean", "sd", "memory", "s"), rows).without_empty_columns()
    assert table.spans == (("", 1), ("quality", 2))
    assert table.columns == ("variant", "mean", "sd")
    assert table.rows == ((("a", "1", "–"), ""), (("b", "2", "3"), "baseline"))


def test_a_table_without_rows_keeps_its_columns() -> None:
    empty = Table((), ("variant", "mean"), ())
    assert empty.without_empty_columns() == empty


def test_sign_flip_p_is_in_the_details_only(writer: LabWriter) -> None:
    shown = items(sections(writer, writer.sweep(outcomes(MEANS)))["variants"], "table")
    assert [("sign-flip p" in item.table.columns, bool(item.summary)) for item in shown] == [
        (False, False),
        (True, True),
    ]
    assert "Holm p" in shown[0].table.columns


def test_two_seeds_have_both_differences_and_no_interval(writer: LabWriter) -> None:
    table = items(sections(writer, writer.sweep(outcomes(MEANS, seeds=2)))["variants"], "table")[0]
    assert "both differences" in table.table.columns
    assert not [column for column in table.table.columns if "interval" in column]
    uneven = outcomes(MEANS)
    uneven["elu"][2:] = ["failed"] * 3
    name = writer.sweep(uneven, name="uneven", block="mnist × mlp")
    shown = items(sections(writer, name)["variants"], "table")[0].table
    column = shown.columns.index("95 % interval")
    intervals = {texts[0]: texts[column] for texts, _ in shown.rows}
    assert intervals["elu"].startswith("none: ")
    assert " to " in intervals[next(v for v in MEANS if v not in ("elu", "relu"))]


def test_details_of_equivalence_are_those_that_decide(writer: LabWriter) -> None:
    means = {"max": 0.99, "mean": 0.9901, "none": 0.95}
    name = writer.sweep(outcomes(means), question_kind="equivalence", margin=0.005)
    details = items(sections(writer, name)["variants"], "table")[1].table
    for column in ("equivalence: Holm-adjusted interval", "90 % interval, unadjusted"):
        assert column in details.columns
    assert "Holm p" not in details.columns
    assert "Holm-adjusted interval" not in details.columns
    texts = details.rows[0][0]
    step = texts[details.columns.index("equivalence: Holm-adjusted interval")]
    assert step.endswith((" (95 %)", " (90 %)"))


def test_a_metric_of_loss_has_curves_of_loss(writer: LabWriter) -> None:
    name = writer.sweep(outcomes(MEANS), metric="test/loss", goal="min")
    (picture,) = items(sections(writer, name)["curves"], "picture")
    assert "validation loss" in picture.figures[0]
    assert "validation accuracy" not in picture.figures[0]


def test_curves_by_seconds_need_one_hardware(writer: LabWriter, monkeypatch) -> None:
    import labwriter

    plain = labwriter.curve

    def timed(final, name, epochs):
        return [
            Entry("epoch", e.time, e.epoch, e.metrics, {"time/epoch_seconds": 2.0})
            for e in plain(final, name, epochs)
        ]

    monkeypatch.setattr(labwriter, "curve", timed)
    name = writer.sweep(outcomes(MEANS))
    (picture,) = items(sections(writer, name)["curves"], "picture")
    assert len(picture.figures) == 2
    assert "seconds of training" in picture.figures[1]
    writer.run(key("relu", 0, "mnist × lenet5"), 0.95, labwriter.ENVIRON | {"cpu": "another"})
    (picture,) = items(sections(writer, name)["curves"], "picture")
    assert len(picture.figures) == 1
    assert "different hardware" in picture.caption


def test_probes_are_shown_where_they_were_on(writer: LabWriter) -> None:
    name = writer.sweep(outcomes(MEANS))
    assert "inside" not in sections(writer, name)
    lines = [
        f"{epoch},{layer},{probe},{value}\n"
        for epoch in range(4)
        for layer in ("conv", "head")
        for probe, value in (("gradient_norm", 0.5 + epoch), ("dead", 0.25))
    ]
    for seed in range(3):
        run = writer.lab.finished(key("elu", seed, "mnist × lenet5"))
        assert run
        (run.folder / "probes.csv").write_text("epoch,layer,probe,value\n" + "".join(lines))
    inside = sections(writer, name)["inside"]
    (picture,) = items(inside, "picture")
    assert len(picture.figures) == 3
    (table,) = items(inside, "table")
    assert table.table.rows == ((("elu", "3.500", "25.0 %"), ""),)
    (links,) = items(inside, "links")
    report = build_report(writer.lab, name)
    page, markdown = (path.read_text("utf-8") for path in (report.html, report.markdown))
    assert [text for text, _ in links.links] == [f"elu · seed {seed}" for seed in range(3)]
    for text, path in links.links:
        assert (report.folder / path).read_text("utf-8").startswith("epoch,layer,probe,value")
        assert f'<a href="{path}">{text}</a>' in page
        assert f"- [{text}]({path})" in markdown


def test_data_that_changed_within_a_data_set_is_reported_at_the_top(writer: LabWriter) -> None:
    name = writer.sweep(outcomes(MEANS))
    assert not page_of(writer, name).notices
    file = next((writer.lab.root / "trials").glob("*/*/trial.json"))
    trial = json.loads(file.read_text("utf-8"))
    rewrite(file, trial | {"data_hash": "0ther"})
    (notice,) = page_of(writer, name).notices
    assert notice == (
        "Trials used different contents of one data set, so they do not compare: "
        "d1a7a (19 trials), 0ther (1 trial)."
    )


def test_other_data_sets_have_other_hashes(writer: LabWriter) -> None:
    name = writer.sweep(outcomes({"mnist": 0.9, "digits": 0.8}))
    file = writer.lab.sweep_folder(name) / "part-001.json"
    part = json.loads(file.read_text("utf-8"))
    for place, trial in part["trials"].items():
        dataset = place.split("-")[0]
        trial["choices"] = {"dataset": dataset}
        trial["config"]["dataset"] = {"_target_": dataset}
    rewrite(file, part)
    for path in (writer.lab.root / "trials").glob("digits*/*/trial.json"):
        trial = json.loads(path.read_text("utf-8"))
        rewrite(path, trial | {"data_hash": "0ther"})
    assert not page_of(writer, name).notices


def test_headers_sort_and_only_our_script_may_run(writer: LabWriter) -> None:
    html = build_report(writer.lab, writer.sweep(outcomes(MEANS))).html.read_text("utf-8")
    assert re.search(r'<table class="variants sortable">\s*<thead>', html)
    (script,) = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    assert "aria-sort" in script
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in html
    assert not re.search(r"https?://|@import", html)


def test_terms_link_to_the_glossary(writer: LabWriter) -> None:
    html = build_report(writer.lab, writer.sweep(outcomes(MEANS))).html.read_text("utf-8")
    assert '<div id="word-95-interval">' in html
    assert re.search(
        r'<a class="term" href="#word-95-interval" title="a 95 % t confidence interval', html
    )
    assert re.search(r'<abbr title="p-value [^"]+">Holm p</abbr>', html)
    assert "Critical difference" not in html


def test_of_many_variants_the_reference_and_the_best_are_drawn(writer: LabWriter) -> None:
    means = {"base": 0.5} | {f"v{i:03}": 0.5 + 0.001 * i for i in range(40)}
    name = writer.sweep(outcomes(means, seeds=3))
    chosen = choose(page_of(writer, name).analysis.blocks[0], MOST_LINES)
    assert chosen.variants == ("base", *(f"v{i:03}" for i in range(31, 40)))
    assert "10 of 41 variants are drawn: base, and those with the best means" in chosen.note
    (picture,) = items(sections(writer, name)["curves"], "picture")
    assert chosen.note in picture.caption


def test_a_page_of_many_variants_stays_small(writer: LabWriter) -> None:
    count = MOST_TABLED + 50
    means = {f"variant {i:04}": 0.5 + 0.0005 * i for i in range(count)}
    report = build_report(writer.lab, writer.sweep(outcomes(means, seeds=3)))
    assert report.html.stat().st_size < 1_500_000
    text = report.markdown.read_text("utf-8")
    assert f"{MOST_TABLED} of {count} variants are shown" in text
    assert f"{count - 1} contrasts in detail: 100 of them" in text


def test_markdown_has_every_section_with_text_and_no_pictures(writer: LabWriter) -> None:
    name = many_blocks(writer, 3)
    markdown = build_report(writer.lab, name).markdown.read_text("utf-8")
    titles = re.findall(r"^## (.*)$", markdown, flags=re.MULTILINE)
    page = page_of(writer, name)
    expected = [section.title for section in page.sections if section.has_text]
    assert titles == [*expected, "Provenance", "Glossary"]
    assert "Speed of learning" in titles
    assert "<svg" not in markdown


def test_pictures_of_the_first_seeds_are_linked(writer: LabWriter):
    writer.sweep(outcomes(MEANS))
    (name,) = writer.lab.sweeps()
    assert "pictures" not in sections(writer, name)
    for seed in (0, 1, 2):
        run = writer.lab.finished(key("relu", seed, "mnist × lenet5"))
        assert run is not None
        deliver_pictures(writer, run.folder, "mistakes", "learning_curves")
    (links,) = items(sections(writer, name)["pictures"], "links")
    assert [text for text, _ in links.links] == [
        "relu · seed 0: mistakes",
        "relu · seed 1: mistakes",
    ]
    report = writer.lab.sweep_folder(name) / "report"
    assert all((report / path).resolve().is_file() for _, path in links.links)
