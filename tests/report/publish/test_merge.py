"""Several labs in one report: each trial counts once, with the lab it is from."""

import csv
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labwriter import ENVIRON, LabWriter, Outcome, realistic_outcomes, rewrite

from ablab.cli import main
from ablab.report.export import tidy
from ablab.report.page.page import Page
from ablab.report.publish.labs import NamedLab, open_labs
from ablab.report.publish.site import merged_page
from ablab.tracking.lab import Lab
from ablab.tracking.sealed import read_sealed

Outcomes = Mapping[str, Sequence[Outcome]]
Make = Callable[..., NamedLab]
OTHER = {**ENVIRON, "host": "lab-2", "cpu": "arm 8 cores"}


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write the lab of one person with one sweep."""

    def written(name: str, outcomes: Outcomes, **options: Any) -> NamedLab:
        writer = LabWriter(tmp_path / name / "lab")
        writer.sweep(outcomes, **options)
        return NamedLab(name, writer.lab)

    return written


def of_seeds(seeds: range, outcomes: Outcomes | None = None) -> dict[str, list[Outcome]]:
    """Return outcomes of which only these seeds were trained."""
    whole = outcomes or realistic_outcomes()
    return {v: [x if i in seeds else None for i, x in enumerate(xs)] for v, xs in whole.items()}


def page(*labs: NamedLab, conflicts: str = "") -> Page:
    return merged_page(labs, "activations", conflicts)


def refusal(*labs: NamedLab) -> str:
    with pytest.raises(ValueError, match="in all labs that are merged") as caught:
        page(*labs)
    return str(caught.value)


def test_two_halves_give_the_numbers_of_one_lab(make: Make) -> None:
    one = make("anna", of_seeds(range(3)))
    two = make("ben", of_seeds(range(3, 5)))
    merged, whole = page(one, two), page(make("carl", realistic_outcomes()))
    assert tidy.contrasts(merged.analysis) == tidy.contrasts(whole.analysis)
    assert tidy.variants(merged.analysis) == tidy.variants(whole.analysis)
    assert merged.verdict == whole.verdict
    labs = {row.seed: row.lab for row in merged.rows}
    assert labs == {0: "anna", 1: "anna", 2: "anna", 3: "ben", 4: "ben"}
    assert not page(one).verdict.is_given


def test_equal_results_count_once_and_are_told(make: Make) -> None:
    one, two = make("anna", of_seeds(range(4))), make("ben", of_seeds(range(2, 5)))
    merged = page(one, two)
    assert len(merged.rows) == 30
    assert all(row.counts for row in merged.rows)
    assert any(
        "12 trials are in several labs with results that are equal" in n for n in merged.notices
    )
    assert {row.lab for row in merged.rows if row.seed in (2, 3)} == {"anna"}


def test_a_copied_lab_adds_nothing(make: Make, tmp_path: Path) -> None:
    one = make("anna", realistic_outcomes())
    shutil.copytree(one.lab.root, tmp_path / "copy" / "lab")
    merged = page(one, NamedLab("copy", Lab(tmp_path / "copy" / "lab")))
    assert len(merged.plan.parts) == 1
    assert {row.lab for row in merged.rows} == {"anna"}
    assert merged.verdict == page(one).verdict


def test_different_results_of_one_trial_are_refused_by_name(make: Make) -> None:
    one = make("anna", {"relu": [0.5, 0.6, 0.7], "elu": [0.6, 0.7, 0.8]})
    two = make("ben", {"relu": [0.5, 0.6, 0.7], "elu": [0.6, 0.7, 0.9]})
    message = refusal(one, two)
    assert (
        "elu · seed 2 · mnist × lenet5 (counted in anna; ben: test/accuracy 0.9, not 0.8)"
        in message
    )
    assert "--conflicts first" in message
    assert "relu" not in message


def test_the_lab_named_first_counts_where_asked_and_the_row_is_marked(make: Make) -> None:
    one = make("anna", {"relu": [0.5, 0.6, 0.7], "elu": [0.6, 0.7, 0.8]})
    two = make("ben", {"relu": [0.5, 0.6, 0.7], "elu": [0.6, 0.7, 0.9]})
    for labs, value in (((one, two), 0.8), ((two, one), 0.9)):
        merged = page(*labs, conflicts="first")
        (marked,) = (row for row in merged.rows if row.reason)
        assert (marked.variant, marked.seed, marked.value) == ("elu", 2, value)
        assert marked.lab == labs[0].name
        assert f"{labs[1].name} has another result" in marked.reason
        assert any("largest difference of test/accuracy is 0.1." in n for n in merged.notices)
        assert marked.reason in merged.render("report.md.j2").replace("\\", "")


def test_a_result_counts_before_a_failure_and_a_diverged_one_contradicts(make: Make) -> None:
    one = make("anna", {"relu": [0.5, 0.6], "elu": ["failed", None]})
    two = make("ben", {"relu": [None, None], "elu": [0.6, "failed"]})
    rows = {(row.variant, row.seed): row for row in page(one, two).rows}
    assert (rows["elu", 0].outcome, rows["elu", 0].lab) == ("finished", "ben")
    assert (rows["elu", 1].outcome, rows["elu", 1].lab) == ("failed", "ben")
    three = make("carl", {"relu": ["diverged", None], "elu": [None, None]})
    assert "carl: diverged, not finished" in refusal(one, three)


def test_trials_that_nobody_started_have_no_lab(make: Make) -> None:
    one = make("anna", {"relu": [0.5, None], "elu": [0.6, None]})
    two = make("ben", {"relu": [None, None], "elu": [None, None]})
    absent = [row for row in page(one, two).rows if row.outcome == "absent"]
    assert len(absent) == 2
    assert {row.lab for row in absent} == {""}


def test_cells_that_one_lab_planned_later_are_an_extension(make: Make) -> None:
    outcomes = realistic_outcomes()
    one = make("anna", {v: x[:3] for v, x in outcomes.items()})
    two = make("ben", of_seeds(range(3, 5)))
    merged = page(one, two)
    assert [part.kind for part in merged.plan.parts] == ["comparison", "extension"]
    assert [len(part.cells) for part in merged.plan.parts] == [18, 12]
    assert "the sweep was extended from 18 to 30 trials" in merged.verdict.sentence
    assert merged.plan.spec.seeds == (0, 1, 2, 3, 4)


@pytest.mark.parametrize(
    ("key", "value"),
    [("question", "Another?"), ("goal", "min"), ("question_kind", "best"), ("baseline", "elu")],
)
def test_different_questions_are_refused(make: Make, key: str, value: str) -> None:
    outcomes = {"relu": [0.5], "elu": [0.6]}
    one, two = make("anna", outcomes), make("ben", outcomes, **{key: value})
    message = refusal(one, two)
    assert f"sweep.{key.removeprefix('question_')} must be the same" in message
    assert value in message


def test_one_name_for_two_trials_is_refused_with_what_differs(make: Make) -> None:
    outcomes = {"relu": [0.5], "elu": [0.6]}
    one, two = make("anna", outcomes), make("ben", outcomes)
    path = two.lab.sweep_folder("activations") / "part-001.json"
    content = read_sealed(path)
    assert content is not None
    cell = content["cells"][0]
    trial = content["trials"].pop(cell["key"])
    cell["key"] = "another"
    content["trials"]["another"] = {**trial, "config": {"seed": 0, "optimizer": {"lr": 0.1}}}
    rewrite(path, content)
    message = refusal(one, two)
    assert "relu · seed 0 · mnist × lenet5 must be the same trial" in message
    assert "another in ben, which differ in optimizer.lr (None, 0.1)" in message


def test_two_names_for_one_trial_are_refused(make: Make) -> None:
    outcomes = {"relu": [0.5], "elu": [0.6]}
    one, two = make("anna", outcomes), make("ben", outcomes)
    path = two.lab.sweep_folder("activations") / "part-001.json"
    content = read_sealed(path)
    assert content is not None
    content["cells"][1]["variant"] = "ELU"
    rewrite(path, content)
    assert "must have one name in all labs" in refusal(one, two)


def test_variants_of_different_machines_are_a_notice(make: Make) -> None:
    one = make("anna", {"relu": [0.5, 0.6, 0.7], "elu": [None, None, None]})
    two = make("ben", {"relu": [None] * 3, "elu": [0.6, 0.7, 0.8]}, environ=OTHER)
    notices = page(one, two).notices
    assert any("In 3 of 3 seeds the variants were trained in different labs" in n for n in notices)
    same = make("carl", {"relu": [None] * 3, "elu": [0.6, 0.7, 0.8]})
    assert not any("different labs, under" in n for n in page(one, same).notices)


def test_labs_are_named_after_their_folders_or_as_asked(make: Make, tmp_path: Path) -> None:
    outcomes = {"relu": [0.5], "elu": [0.6]}
    for name in ("anna", "ben", "x/anna"):
        make(name, outcomes)
    anna, ben, other = (str(tmp_path / name) for name in ("anna", "ben", "x/anna"))
    assert [each.name for each in open_labs([anna, f"{ben}/lab"])] == ["anna", "ben"]
    assert [each.name for each in open_labs([f"a=b={anna}"[2:], ben])] == ["b", "ben"]
    for texts, rule in (
        ([anna, other], "labs must have different names, got anna twice"),
        ([anna, f"b={anna}"], "--lab must name each lab once"),
        ([anna, str(tmp_path / "none")], "lab must be a folder that holds lab.json"),
    ):
        with pytest.raises(ValueError, match=rule):
            open_labs(texts)


def test_the_command_writes_the_lab_of_every_row(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make("anna", of_seeds(range(3)))
    make("ben", of_seeds(range(3, 5)), environ=OTHER)
    monkeypatch.chdir(tmp_path)
    words = ["publish", "activations", "site", "--lab", "anna", "--lab", "b=ben"]
    assert main(words) == 0
    with (tmp_path / "site" / "activations" / "trials.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {(row["lab"], row["host"]) for row in rows} == {("anna", "lab-1"), ("b", "lab-2")}
    page = (tmp_path / "site" / "activations" / "report.html").read_text()
    assert "Merged from 2 labs: anna and b." in page
    assert "anna (18 trials), b (12 trials)" in page
    assert str(tmp_path) not in page


def test_looks_that_two_labs_trained_are_no_extension(make: Make) -> None:
    generator = np.random.default_rng(1)
    looks = {"sizes": [5, 10], "spending": "pocock", "futility": None}
    values = generator.normal(0.97, 0.001, (2, 10)).round(4).tolist()
    outcomes: Outcomes = {"relu": values[0], "tanh": values[1], "sigmoid": [0.5] * 5}
    spec = {"looks": looks}
    halves = [of_seeds(range(start, start + 5), outcomes) for start in (0, 5)]
    merged = page(*(make(name, own, **spec) for name, own in zip("ab", halves, strict=True)))
    whole = page(make("whole", outcomes, **spec))
    assert merged.verdict == whole.verdict
    assert merged.verdict.is_given
    assert not any("extended" in notice for notice in merged.notices)


def test_other_looks_are_refused(make: Make) -> None:
    looks = {"sizes": [5, 10], "spending": "pocock", "futility": None}
    other = make("b", realistic_outcomes(), looks=looks | {"sizes": [5, 20]})
    text = refusal(make("a", realistic_outcomes(), looks=looks), other)
    assert "sweep.seeds must be the same in all labs that are merged, got first 5, then 10" in text
