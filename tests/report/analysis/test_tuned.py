"""What a report says of tuning: each search, and the comparison at fixed hyper-parameters."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labwriter import LabWriter, rewrite

from ablab.report.analysis.tuning import best_so_far, fixed_twin, tuned
from ablab.report.build import build_report
from ablab.report.page.page import page_of
from ablab.tracking.plan import find_plan
from ablab.tracking.search import Asked, SearchJournal, SearchRecord

VALUES = {"relu": [0.5, 0.7, 0.6], "elu": [0.6, 0.9, 0.8]}
TUNE = {"method": "random", "trials": 3, "epochs": 2, "seeds": [9000], "pruning": "none"} | {
    "metric": "val/accuracy",
    "goal": "max",
}
BLOCK = "mnist × lenet5"
OUTCOMES = {"relu": [0.95, 0.951, 0.952], "elu": [0.961, 0.962, 0.964]}


def search(lab_folder: Path, count: int = 3) -> list[dict[str, Any]]:
    """Write one search per variant and return what each chose."""
    journal, chosen = SearchJournal(lab_folder), []
    for variant, values in VALUES.items():
        name = f"search-{variant}"
        journal.begin(SearchRecord(name, variant, BLOCK, TUNE))
        for number, value in enumerate(values[:count]):
            journal.ask(name, number, {"optimizer.lr": 0.1 * (number + 1)}, [])
            journal.tell(name, number, state="finished", value=value, curve=[value])
        best = int(np.argmax(values))
        own = {"number": best, "values": {"optimizer.lr": 0.1 * (best + 1)}, "value": values[best]}
        chosen.append(own | {"edges": [], "importance": {}})
        if count == len(values):
            journal.choose(name, chosen[-1])
        chosen[-1] |= {"search": name, "variant": variant, "block": BLOCK}
    return chosen


def edit(writer: LabWriter, name: str, **change: Any) -> None:
    file = writer.lab.sweep_folder(name) / "part-001.json"
    part = json.loads(file.read_text("utf-8"))
    part["spec"] |= change.pop("spec", {})
    rewrite(file, part | change)


@pytest.fixture
def writer(writer: LabWriter) -> LabWriter:
    """Write a tuned sweep."""
    writer.sweep(OUTCOMES, name="tuned")
    chosen = search(writer.lab.sweep_folder("tuned"))
    edit(writer, "tuned", spec={"tune": TUNE | {"chosen": chosen}})
    return writer


def test_best_so_far_never_falls_and_begins_where_a_trial_finished():
    record = SearchRecord("a", "relu", "b", {"goal": "max"})
    values = [None, 0.5, None, 0.4, 0.6]
    states = ["failed", "finished", "pruned", "finished", "finished"]
    record.asked = [Asked(n, {}, [], states[n], value) for n, value in enumerate(values)]
    assert math.isnan(best_so_far(record)[0])
    assert best_so_far(record)[1:].tolist() == [0.5, 0.5, 0.5, 0.6]
    record.definition = {"goal": "min"}
    assert best_so_far(record)[1:].tolist() == [0.5, 0.5, 0.4, 0.4]
    record.asked = []
    assert best_so_far(record).size == 0


def test_each_search_has_its_values_its_counts_and_its_curve(writer: LabWriter):
    relu, elu = tuned(find_plan(writer.lab, "tuned"))
    assert (relu.variant, relu.block, relu.states) == ("relu", BLOCK, {"finished": 3})
    assert relu.best.tolist() == [0.5, 0.7, 0.7]
    assert elu.chosen is not None
    assert elu.chosen["values"] == {"optimizer.lr": 0.2}


def test_plan_without_its_record_keeps_the_values(writer: LabWriter):
    (writer.lab.sweep_folder("tuned") / "search.jsonl").unlink()
    relu, _ = tuned(find_plan(writer.lab, "tuned"))
    assert relu.chosen is not None
    assert not relu.states
    section = {s.name: s for s in page_of(writer.lab, find_plan(writer.lab, "tuned")).sections}
    assert "tuning" in section


def test_report_has_a_curve_of_each_search(writer: LabWriter):
    page = page_of(writer.lab, find_plan(writer.lab, "tuned"))
    (figure,) = [svg for svg in page.pictures if svg.name.startswith("tuning")]
    drawn = {line.get_label(): line.get_ydata() for line in figure.figure.axes[0].lines}
    assert list(drawn["relu"]) == [50.0, 70.0, 70.0]
    assert list(drawn["elu"]) == [60.0, 90.0, 90.0]
    assert "relu 70.00 %" in str(figure)


def test_verdict_at_fixed_hyper_parameters_stands_beside_the_tuned_one(writer: LabWriter):
    plan = find_plan(writer.lab, "tuned")
    assert fixed_twin(writer.lab, plan) is None
    writer.sweep(OUTCOMES, name="fixed")
    twin = fixed_twin(writer.lab, plan)
    assert twin is not None
    assert twin.plan.sweep == "fixed"
    report = build_report(writer.lab, "tuned")
    assert report.verdict.startswith("Tuned with 3 trials each, elu beats the baseline relu by ")
    assert "; in the sweep fixed, at fixed hyper-parameters, elu beats the" in report.verdict
    content = json.loads(report.json.read_text())
    assert content["tuning"]["fixed"]["sweep"] == "fixed"
    assert content["tuning"]["searches"][0]["best_so_far"] == [0.5, 0.7, 0.7]
    assert "The same comparison without tuning: At fixed" in report.markdown.read_text()
    assert json.loads(build_report(writer.lab, "fixed").json.read_text())["tuning"] is None


@pytest.mark.parametrize(
    "change",
    [{"kind": "best"}, {"metric": "test/accuracy_last"}, {"variants": {"relu": {}, "tanh": {}}}],
)
def test_other_questions_are_no_twin(writer: LabWriter, change: dict[str, Any]):
    writer.sweep(OUTCOMES, name="fixed")
    edit(writer, "fixed", spec=change)
    assert fixed_twin(writer.lab, find_plan(writer.lab, "tuned")) is None


@pytest.mark.parametrize(("config", "is_twin"), [({"lr": 0.5}, True), ({"momentum": 0.5}, False)])
def test_twin_differs_in_what_was_tuned_alone(
    writer: LabWriter, config: dict[str, float], *, is_twin: bool
):
    writer.sweep(OUTCOMES, name="fixed")
    for name, own in (("tuned", {}), ("fixed", config)):
        file = writer.lab.sweep_folder(name) / "part-001.json"
        trials = json.loads(file.read_text("utf-8"))["trials"]
        for trial in trials.values():
            trial["config"]["optimizer"] = {"lr": 0.1, "momentum": 0.9} | own
        edit(writer, name, trials=trials)
    assert (fixed_twin(writer.lab, find_plan(writer.lab, "tuned")) is not None) == is_twin


def alone(writer: LabWriter, count: int) -> Any:
    """Return the report of a search without a comparison."""
    writer.part("alone", [], ["search"], kind="tuning", tune=TUNE | {"only": True})
    journal = SearchJournal(writer.lab.sweep_folder("alone"))
    journal.begin(SearchRecord("a", "search", BLOCK, TUNE))
    for number in range(count):
        journal.ask("a", number, {"optimizer.lr": 0.1, "batch_size": 32}, [])
        journal.tell("a", number, state="finished", value=0.9 - 0.1 * number, curve=[])
    if count == 3:
        values = {"optimizer.lr": 0.1, "batch_size": 32}
        own = {"number": 0, "values": values, "value": 0.9, "edges": ["batch_size"]}
        journal.choose("a", own | {"importance": {"optimizer.lr": 0.7, "batch_size": 0.3}})
    return build_report(writer.lab, "alone")


def test_search_alone_is_answered_by_its_best_setting(writer: LabWriter):
    report = alone(writer, 3)
    assert report.is_answered
    assert "Of 3 trials the best has " in report.verdict
    assert "optimizer.lr=0.1" in report.verdict
    assert "val/accuracy 90.00 %, chosen as the best of 3" in report.verdict
    text = report.markdown.read_text()
    assert "## Tuning" in text
    assert "## Reliability" not in text


def test_search_alone_has_no_answer_before_its_end(writer: LabWriter):
    report = alone(writer, 2)
    assert not report.is_answered
    assert report.verdict == "No verdict yet: 2 of 3 settings have been tried."


def test_comparison_has_no_verdict_while_it_is_tuned(writer: LabWriter):
    writer.part("later", [], ["relu", "elu"], kind="tuning", tune=TUNE, blocks={BLOCK: {}})
    search(writer.lab.sweep_folder("later"), count=2)
    report = build_report(writer.lab, "later")
    text = "No verdict yet: 4 of 6 settings have been tuned before the comparison."
    assert report.verdict == text
