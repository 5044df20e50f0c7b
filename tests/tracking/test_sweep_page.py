"""The page of a sweep in MLflow: verdict first, a table linked to runs, and the user's own text."""

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

import pytest
from recorded import begin, finish, trial

from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell, Part, Plan, write_part
from ablab.tracking.spec import Spec
from ablab.tracking.store import Store
from ablab.tracking.sweep_page import NOTE
from ablab.tracking.sweep_run import deliver_report, refresh_page
from ablab.tracking.sweep_view import page_route
from ablab.tracking.sync import sync

VERDICT = "relu beats tanh by 1.20 points"


def planned(
    lab: Lab,
    variants: Sequence[str] = ("relu", "tanh"),
    seeds: int = 2,
    blocks: Sequence[str] = ("mnist",),
    question: str = "Which is best?",
) -> Plan:
    cells = tuple(
        Cell(v, s, b, f"k{i}{s}{j}")
        for i, v in enumerate(variants)
        for s in range(seeds)
        for j, b in enumerate(blocks)
    )
    trials = {cell.key: trial(cell.key) for cell in cells}
    part = Part("comparison", 1.6e9, "ablab sweep s", Spec(question=question), cells, trials)
    write_part(lab.sweep_folder("s"), part)
    return Plan("s", (part,))


def train(lab: Lab, *keys: str) -> None:
    for key in keys:
        finish(begin(lab, epochs=1, key=key))


def tags(store: Store) -> dict[str, str]:
    return dict(store.find_experiment("s").tags)


def report(store: Store, lab: Lab) -> str:
    folder = lab.sweep_folder("s") / "report"
    folder.mkdir(exist_ok=True)
    (folder / "report.html").write_text("page")
    return deliver_report(store, "s", folder, VERDICT)


def test_the_page_begins_with_the_verdict_and_links_each_run(lab: Lab, store: Store) -> None:
    planned(lab)
    train(lab, "k000", "k010", "k100")
    sync(lab, store)
    parent = report(store, lab)
    note, experiment = tags(store)[NOTE], store.find_experiment("s").experiment_id
    visible = [line for line in note.splitlines() if line and not line.startswith("<!--")]
    assert visible[:2] == [f"**{VERDICT}**", "Question: Which is best?"]
    link = f"(#/experiments/{experiment}/runs/{parent}/artifacts/report/report.html)"
    assert visible[2] == f"[Open the report]{link}. 3 of 4 trials have finished."
    assert [a.path for a in store.client.list_artifacts(parent, "report")] == ["report/report.html"]
    relu, tanh = visible[-2:]
    assert "| 2 of 2 | 75.00 % |" in relu
    assert "| 1 of 2 | 75.00 % |" in tanh
    runs = re.findall(rf"\[(\d)\]\(#/experiments/{experiment}/runs/(\w+)\)", relu)
    names = [(seed, store.client.get_run(run_id).info.run_name) for seed, run_id in runs]
    assert names == [("0", "relu · seed 0"), ("1", "relu · seed 1")]
    assert tanh.rstrip(" |").endswith(" 1")  # not trained yet, and so without a link
    (query,) = re.findall(r"\[relu\]\([^)]*searchFilter=([^)]*)\)", relu)
    found = store.client.search_runs([experiment], unquote(query))
    assert {run.info.run_id for run in found} == {run_id for _, run_id in runs}


def test_before_a_report_the_page_has_the_question_and_the_trials_so_far(
    lab: Lab, store: Store
) -> None:
    planned(lab)
    sync(lab, store)
    note = tags(store)[NOTE]
    assert "Question: Which is best?\n\n0 of 4 trials have finished." in note
    assert "Open the report" not in note
    assert "| 0 of 2 | – |" in note


def test_a_verdict_on_earlier_trials_says_so_until_the_next_report(lab: Lab, store: Store) -> None:
    planned(lab)
    train(lab, "k000", "k100")
    sync(lab, store)
    report(store, lab)
    sync(lab, store)
    assert "finished since" not in tags(store)[NOTE]
    train(lab, "k010")
    sync(lab, store)
    assert f"**{VERDICT}** (Trials have finished since: `ablab report`" in tags(store)[NOTE]
    report(store, lab)
    assert "finished since" not in tags(store)[NOTE]


@pytest.mark.parametrize("place", ["alone", "above and below"])
def test_text_of_the_user_is_kept(lab: Lab, store: Store, place: str) -> None:
    plan = planned(lab)
    experiment = store.experiment("s")
    if place == "alone":
        store.client.set_experiment_tag(experiment, NOTE, "mine: <b>rerun</b> in May")
        sync(lab, store)
        assert tags(store)[NOTE].endswith("\n\nmine: <b>rerun</b> in May")
    else:
        sync(lab, store)
        note = f"above\n\n{tags(store)[NOTE]}\n\nbelow"
        store.client.set_experiment_tag(experiment, NOTE, note)
    train(lab, "k000")
    sync(lab, store)
    note = tags(store)[NOTE]
    assert note.count("Question:") == 1
    assert "1 of 4 trials" in note
    if place != "alone":
        assert note.startswith("above\n\n<!--")
        assert note.endswith("-->\n\nbelow")
    full = "x" * 4990
    store.client.set_experiment_tag(experiment, NOTE, full)
    refresh_page(store, plan)
    assert tags(store)[NOTE] == full  # no room for ours


@pytest.mark.parametrize(("variants", "seeds"), [(12, 12), (90, 2)])
def test_a_large_sweep_fits_into_the_description(
    lab: Lab, store: Store, variants: int, seeds: int
) -> None:
    planned(lab, [f"v{i}" for i in range(variants)], seeds)
    sync(lab, store)
    note = tags(store)[NOTE]
    assert len(note) <= 5000
    rows = re.findall(r"^\| \[v\d+\]", note, re.M)
    more = re.search(r"^(\d+) more rows are in the report", note, re.M)
    assert len(rows) + (int(more[1]) if more else 0) == variants
    assert view(store)["groupBy"]
    assert note.endswith("<!-- end of ablab's part -->")


def test_markup_in_names_and_questions_is_shown_as_text(lab: Lab, store: Store) -> None:
    name = "a|b <img src=x> **c** [d](e) leaky_relu"
    planned(lab, [name], question="x -->\n\n# <script>alert(1)</script> @someone?")
    sync(lab, store)
    note = tags(store)[NOTE]
    body = note.split("-->", 1)[1].rsplit("<!--", 1)[0]
    assert not re.search("[<>@]|^#", body.replace("](#/", "]("), re.M)
    assert "leaky_relu" in body
    (row,) = (line for line in body.splitlines() if "| 0 of 2 |" in line)
    assert row.count("|") == 5


@pytest.mark.parametrize("question", ["x" * 9000, "<" * 4000, "bell \x07 and \ud800?"])
def test_any_question_leaves_one_whole_part(lab: Lab, store: Store, question: str) -> None:
    planned(lab, question=question)
    for _ in range(2):
        sync(lab, store)
        note = tags(store)[NOTE]
        assert len(note) <= 5000
        assert note.startswith("<!-- ablab writes")
        assert note.endswith("<!-- end of ablab's part -->")
        assert note.count("<!--") == 2


def view(store: Store) -> dict[str, Any]:
    route = page_route("7")
    (key,) = re.findall("viewStateShareKey=(.*)", route)
    return dict(json.loads(tags(store)[f"mlflow.sharedViewState.{key}"]))


def test_the_view_groups_runs_by_variant_and_by_block_if_there_are_several(
    lab: Lab, store: Store
) -> None:
    planned(lab)
    sync(lab, store)
    keys = view(store)["groupBy"]["groupByKeys"]
    assert keys == [{"mode": "tag", "groupByData": "variant"}]
    assert view(store)["groupsExpanded"] == {"tag.variant.relu": False, "tag.variant.tanh": False}
    refresh_page(store, Plan("s", planned(lab, blocks=("mnist", "digits")).parts))
    keys = [key["groupByData"] for key in view(store)["groupBy"]["groupByKeys"]]
    assert keys == ["variant", "block"]
