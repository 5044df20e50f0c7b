"""The figures: their content, read from the text and the marks of their SVG."""

import re
import xml.etree.ElementTree as ET

import pytest
from labwriter import LabWriter

from ablab.formatting import MINUS
from ablab.report.analysis.comparing import compare
from ablab.report.analysis.table import read_table
from ablab.report.page.figures import curves, differences
from ablab.tracking.plan import read_plan
from ablab.tracking.spec import Spec


@pytest.fixture
def comparison(writer: LabWriter):
    def compare_outcomes(outcomes):
        name = writer.sweep(outcomes)
        plan = read_plan(writer.lab.sweep_folder(name))
        return compare(read_table(writer.lab, plan), plan.spec)

    return compare_outcomes


def differences_figure(found, name, *, tested):
    contrasts = found.against_reference
    return differences.differences_figure(found, contrasts, name, tested=tested)


def curves_figure(found, name, against="epochs"):
    curve = curves.curve_of(Spec(metric=found.metric), found.unit)
    return curves.curves_figure(found.groups, name, curve, against)


def texts(svg):
    return ["".join(e.itertext()) for e in ET.fromstring(svg).iter() if e.tag.endswith("text")]


def test_each_variant_has_a_row_and_a_curve(comparison, realistic):
    found = comparison(realistic)
    rows = texts(differences_figure(found, "d", tested=True))
    lines = texts(curves_figure(found, "c"))
    assert set(realistic) - {"relu"} <= set(rows)
    assert set(realistic) <= set(lines)
    assert "difference from relu, points" in rows


def test_names_are_drawn_as_they_are(comparison):
    names = ["relu", "$x_1$ <b>", "活性化 ünï", "a" * 60]
    found = comparison({name: [0.9, 0.91, 0.93 - i / 100] for i, name in enumerate(names)})
    for svg in (differences_figure(found, "d", tested=True), curves_figure(found, "c")):
        assert {"$x_1$ <b>", "活性化 ünï", "a" * 25 + "…"} <= set(texts(svg))


def test_more_variants_than_colors_differ_by_dash_or_marker(comparison):
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


def test_marks_show_no_results_before_the_verdict(comparison, realistic):
    found = comparison(realistic)
    assert "var(--series-" in differences_figure(found, "d", tested=True)
    assert "var(--series-" not in differences_figure(found, "d", tested=False)


@pytest.mark.parametrize("outcomes", [["diverged 0.5", 0.9, 0.91], [0.9], [0.9, 0.8], [0.9] * 3])
def test_uneven_and_few_curves_are_drawn(comparison, outcomes):
    found = comparison({"relu": outcomes, "elu": outcomes})
    assert "elu" in texts(curves_figure(found, "c"))
    assert "elu" in texts(differences_figure(found, "d", tested=True))


def test_without_data_there_is_no_figure(comparison):
    found = comparison({"relu": [None, None], "elu": [None, None]})
    assert curves_figure(found, "c") == ""
    assert differences_figure(found, "d", tested=False) == ""


def ends(found, contrasts, *, tested):
    """Return the ends of each variant's bars in points, the thick one first."""
    svg = differences.differences_figure(found, contrasts, "d", tested=tested)
    shown = {}
    lines = [line for line in svg.figure.axes[0].lines if len(line.get_xdata()) == 2]
    for index, name in enumerate(contrasts):
        own = [line for line in lines if abs(line.get_ydata()[0] - (0.06 - index)) < 1e-9]
        own.sort(key=lambda line: -line.get_linewidth())
        shown[name] = [tuple(float(x) for x in line.get_xdata()) for line in own]
    return shown


def test_an_undecided_variant_has_an_interval_that_contains_0(comparison):
    """Its unadjusted 95 % interval excludes 0; the Holm-adjusted one, which decides, does not."""
    base = [0.90, 0.91, 0.90, 0.92, 0.91]
    gains = (0.003, 0.001, 0.0025, 0.0005, 0.004)
    weak = [round(b + g, 4) for b, g in zip(base, gains, strict=True)]
    found = comparison({"relu": base, "elu": weak, "tanh": weak, "selu": base})
    contrasts = {"elu": found.against_reference["elu"]}
    assert contrasts["elu"].result == "open"
    thick, thin = ends(found, contrasts, tested=True)["elu"]
    assert 0 < thick[0] < thick[1]
    assert thin[0] < 0 < thin[1]
    assert thin == pytest.approx([100 * x for x in contrasts["elu"].step_interval])
    assert len(ends(found, contrasts, tested=False)["elu"]) == 1
    caption = differences.describe_intervals(contrasts.values(), tested=True)
    assert "the thin line the Holm-adjusted interval, which decides" in caption


def test_one_contrast_has_one_bar(comparison):
    found = comparison({"relu": [0.90, 0.91, 0.90], "elu": [0.92, 0.925, 0.921]})
    (bar,) = ends(found, found.against_reference, tested=True)["elu"]
    assert bar == pytest.approx([100 * x for x in found.against_reference["elu"].interval])
    assert (
        differences.describe_intervals(found.family, tested=True)
        == "the bar is its 95 % interval, for this comparison alone"
    )


@pytest.mark.parametrize("result", ["equivalent", "different", "undecided"])
def test_the_bars_of_equivalence_agree_with_the_result(result):
    from tables_by_hand import APART, CLOSE, EQUIVALENCE, RELU, plus, rows, spec

    gains = {"equivalent": CLOSE, "different": (-1.2, -1.3, -1.1, -1.2, -1.2), "undecided": APART}
    outcomes = {"relu": RELU, "elu": plus(*gains[result]), "tanh": plus(*CLOSE)}
    made = compare(rows(outcomes), spec(outcomes, **EQUIVALENCE))
    contrasts = {"elu": made.against_reference["elu"]}
    assert contrasts["elu"].equivalence.result == result
    thick, thin = ends(made, contrasts, tested=True)["elu"]
    assert (max(map(abs, thick)) <= 0.5) == (result == "equivalent")
    assert (thin[0] > 0.5 or thin[1] < -0.5) == (result == "different")
