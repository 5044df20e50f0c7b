"""The pictures: what they show, read from the text and the marks of their SVG."""

import re
import xml.etree.ElementTree as ET

import pytest
from labwriter import LabWriter

from ablab.report.comparison import compare
from ablab.report.figures import curves, differences
from ablab.report.table import read_table
from ablab.report.unit import MINUS
from ablab.tracking.plan import read_plan


@pytest.fixture
def comparison(writer: LabWriter):
    def made(fates):
        name = writer.sweep(fates)
        plan = read_plan(writer.lab.sweep_folder(name))
        return compare(read_table(writer.lab, plan), plan.spec)

    return made


def differences_figure(found, name, *, tested):
    contrasts = found.against_reference
    return differences.differences_figure(found, contrasts, name, tested=tested)


def curves_figure(found, name, against="epochs"):
    drawn = curves.course({"metric": found.metric}, found.unit)
    return curves.curves_figure(found.groups, name, drawn, against)


def texts(svg):
    return ["".join(e.itertext()) for e in ET.fromstring(svg).iter() if e.tag.endswith("text")]


def test_each_variant_has_a_row_and_a_curve(comparison, realistic):
    found = comparison(realistic)
    rows = texts(differences_figure(found, "d", tested=True))
    lines = texts(curves_figure(found, "c"))
    assert set(realistic) - {"relu"} <= set(rows)
    assert set(realistic) <= set(lines)
    assert "difference to relu, points" in rows


def test_names_are_drawn_as_they_are(comparison):
    names = ["relu", "$x_1$ <b>", "活性化 ünï", "a" * 60]
    found = comparison({name: [0.9, 0.91, 0.93 - i / 100] for i, name in enumerate(names)})
    for svg in (differences_figure(found, "d", tested=True), curves_figure(found, "c")):
        assert {"$x_1$ <b>", "活性化 ünï", "a" * 25 + "…"} <= set(texts(svg))


def test_more_variants_than_colours_differ_by_dash_or_marker(comparison):
    found = comparison({f"v{i:02}": [0.9, 0.91, 0.93] for i in range(14)})
    svg = curves_figure(found, "c")
    looks = re.findall(r"stroke-dasharray: ([\d. ,]+);[^\"]*stroke: (var\(--series-\d\))", svg)
    assert len(set(texts(svg)) & {f"v{i:02}" for i in range(14)}) == 14
    assert len(set(looks)) > 5


def test_a_diverged_trial_does_not_flatten_the_rest(comparison, realistic):
    realistic["tanh"][1] = "diverged"
    words = texts(differences_figure(comparison(realistic), "d", tested=True))
    assert any(word.startswith(f"◂ {MINUS}") for word in words)
    ticks = [float(w.replace(MINUS, "-")) for w in words if re.fullmatch(rf"{MINUS}?[\d.]+", w)]
    assert min(ticks) > -2


def test_marks_tell_nothing_before_the_verdict(comparison, realistic):
    found = comparison(realistic)
    assert "var(--series-" in differences_figure(found, "d", tested=True)
    assert "var(--series-" not in differences_figure(found, "d", tested=False)


@pytest.mark.parametrize("fates", [["diverged 0.5", 0.9, 0.91], [0.9], [0.9, 0.8], [0.9] * 3])
def test_uneven_and_few_curves_are_drawn(comparison, fates):
    found = comparison({"relu": fates, "elu": fates})
    assert "elu" in texts(curves_figure(found, "c"))
    assert "elu" in texts(differences_figure(found, "d", tested=True))


def test_nothing_to_show_is_no_picture(comparison):
    found = comparison({"relu": [None, None], "elu": [None, None]})
    assert curves_figure(found, "c") == ""
    assert differences_figure(found, "d", tested=False) == ""
