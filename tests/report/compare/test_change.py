"""Two sweeps, two commits or two machines side by side."""

import html
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from labwriter import ENVIRON, LabWriter, rewrite
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ablab.cli import main
from ablab.report.compare.change import Change
from ablab.report.compare.inputs import read_input, read_inputs
from ablab.report.compare.page import change_table, output_folder, write_change
from ablab.report.compare.text import differing, notes, sentence
from ablab.tracking.lab import Lab

SEEDS = 5
MEANS = {"relu": 0.985, "tanh": 0.98, "elu": 0.99}


def outcomes(shift: dict[str, float], seed: int) -> dict[str, list[float]]:
    generator = np.random.default_rng(seed)
    return {
        v: [round(float(x), 4) for x in m + shift.get(v, 0) + generator.normal(0, 0.0006, SEEDS)]
        for v, m in MEANS.items()
    }


def another(root: Path) -> LabWriter:
    """Return a lab whose runs end one second later, as if on another machine."""
    writer = LabWriter(root)
    write = writer.run

    def run(name: str, *rest: object) -> None:
        write(name, *rest)  # type: ignore[arg-type]
        for record in (root / "trials" / name).glob("*/completion.json"):
            content = json.loads(record.read_text())
            rewrite(record, content | {"time": content["time"] + 1})

    writer.run = run  # type: ignore[method-assign, assignment]
    return writer


@pytest.fixture
def two(tmp_path: Path) -> tuple[LabWriter, LabWriter]:
    """Two labs with the same sweep; in the second, relu is better by half a point."""
    here, there = LabWriter(tmp_path / "here"), another(tmp_path / "there")
    here.sweep(outcomes({}, 1))
    there.sweep(
        outcomes({"relu": 0.005}, 2), environ=ENVIRON | {"host": "lab-2", "commit": "ffff99"}
    )
    return here, there


def change(a: str, b: str, lab: Lab) -> Change:
    return Change(*read_inputs(a, b, lab))


def between(here: LabWriter, there: LabWriter, name: str = "activations") -> Change:
    return change(name, f"{there.lab.root}:{name}", here.lab)


def test_two_machines_are_paired_by_seed_and_corrected(two: tuple[LabWriter, LabWriter]) -> None:
    found = between(*two)
    ours, theirs = outcomes({}, 1), outcomes({"relu": 0.005}, 2)
    tests = [stats.ttest_rel(theirs[v], ours[v]) for v in MEANS]
    adjusted = multipletests([t.pvalue for t in tests], method="holm")[1]
    for cell, test, p in zip(found.variants, tests, adjusted, strict=True):
        assert cell.contrast.p == pytest.approx(test.pvalue)
        assert cell.contrast.p_holm == pytest.approx(p)
        assert cell.contrast.interval == pytest.approx(tuple(test.confidence_interval()))
        assert cell.means == pytest.approx((np.mean(ours[cell.label]), np.mean(theirs[cell.label])))
    assert sentence(found).startswith("From A to B, relu rises by 0.")
    assert "no change was detected for tanh (" in sentence(found)
    assert "minimum detectable difference: about " in sentence(found)
    assert dict(differing(found)) == {"Host": "lab-1 → lab-2", "Commit": "0123abc → ffff99"}


def test_a_lower_value_falls(two: tuple[LabWriter, LabWriter]) -> None:
    here, there = two
    found = change("activations", f"{here.lab.root}:activations", there.lab)
    assert "relu falls by 0." in sentence(found)


def test_runs_that_both_inputs_share_are_left_out(
    two: tuple[LabWriter, LabWriter], tmp_path: Path
) -> None:
    here, _ = two
    shutil.copytree(here.lab.root, tmp_path / "copy")
    copy = LabWriter(tmp_path / "copy")
    same = between(here, copy)
    assert sentence(same) == (
        "Nothing to compare: all trials that A and B have in common are the same runs."
    )
    copy.sweep({"relu": outcomes({"relu": 0.005}, 2)["relu"]}, name="again")
    found = between(here, copy)
    cells = {cell.label: cell for cell in found.variants}
    assert cells["relu"].contrast.n == SEEDS
    assert cells["relu"].contrast.m == 1
    assert cells["tanh"].contrast.n == 0
    assert cells["tanh"].shared == tuple(range(SEEDS))
    (note,) = [note for note in notes(found) if "same run" in note]
    assert note.startswith("The same run in A and B, and therefore left out of the test")
    assert "10 trials, all of tanh (seeds 0, 1, 2, 3, 4) and all of elu" in note


def test_a_sweep_compared_with_itself_shares_all_trials(two: tuple[LabWriter, LabWriter]) -> None:
    here, _ = two
    assert "the same runs" in sentence(change("activations", "activations", here.lab))


def test_some_seeds_of_a_variant_can_be_shared(
    two: tuple[LabWriter, LabWriter], tmp_path: Path
) -> None:
    here, _ = two
    shutil.copytree(here.lab.root, tmp_path / "copy")
    copy = LabWriter(tmp_path / "copy")
    copy.sweep({"relu": [0.99, 0.991, 0.992]}, name="again")
    (relu, *_) = between(here, copy).variants
    assert relu.shared == (3, 4)
    assert relu.contrast.seeds == (0, 1, 2)
    assert any("relu (seeds 3, 4)" in note for note in notes(between(here, copy)))


def test_two_commits_are_compared_by_the_runs_of_each(writer: LabWriter) -> None:
    for commit, shift, seed in (("aaa111", 0.0, 1), ("bbb222", 0.005, 2), ("ccc333", 0.0, 3)):
        drawn = outcomes({"relu": shift}, seed)
        writer.sweep(drawn, name="activations", environ=ENVIRON | {"commit": commit})
    found = change("activations@aaa", "activations@bbb222", writer.lab)
    assert "relu rises by 0." in sentence(found)
    assert {row.folder.name for row in found.a.rows if row.folder} == {"001"}
    assert dict(differing(found)) == {"Commit": "aaa111 → bbb222"}
    counted = read_input("activations", writer.lab)
    assert {row.folder.name for row in counted.rows if row.folder} == {"003"}


def test_a_commit_that_ran_some_trials_leaves_out_the_others(writer: LabWriter) -> None:
    writer.sweep(outcomes({}, 1), environ=ENVIRON | {"commit": "aaa111"})
    writer.sweep(
        {"relu": outcomes({}, 2)["relu"]}, name="other", environ=ENVIRON | {"commit": "bbb"}
    )
    found = change("activations@aaa111", "activations@bbb", writer.lab)
    assert [cell.contrast.n for cell in found.variants] == [5, 0, 0]
    assert found.is_settled
    assert found.variants[0].contrast.m == 1


def test_what_only_one_input_has_is_listed(tmp_path: Path) -> None:
    here, there = LabWriter(tmp_path / "here"), another(tmp_path / "there")
    here.sweep(outcomes({}, 1) | {"prelu": [0.98] * SEEDS})
    drawn = outcomes({}, 2)
    there.sweep(drawn | {"relu": [*drawn["relu"], 0.985, 0.986]})
    found = between(here, there)
    text = " ".join(notes(found))
    assert "Only in A, and not compared: prelu · mnist × lenet5." in text
    assert "Only in B, and not compared: relu · mnist × lenet5: seeds 5, 6." in text
    assert [cell.contrast.left_out for cell in found.variants] == [0, 0, 0]


def test_there_is_no_p_while_an_input_is_running(two: tuple[LabWriter, LabWriter]) -> None:
    here, _ = two
    shutil.rmtree(next((here.lab.root / "trials").glob("elu*-4")))
    found = between(*two)
    assert sentence(found) == (
        "No answer yet, activations is still running: 14 of 15 trials are done."
    )
    assert "Holm p" not in change_table(found).columns
    page = write_change(found, output_folder(found)).read_text("utf-8")
    assert "Holm p" not in page


def test_equal_values_are_reported_as_equal(tmp_path: Path) -> None:
    here, there = LabWriter(tmp_path / "here"), another(tmp_path / "there")
    here.sweep(outcomes({}, 1))
    there.sweep(outcomes({}, 1), environ=ENVIRON | {"torch": "2.14.0"})
    found = between(here, there)
    clause = (
        "test/accuracy is the same on every seed for relu (n = 5), tanh (n = 5) and elu (n = 5)"
    )
    assert sentence(found) == f"From A to B, {clause}."
    assert dict(differing(found)) == {"PyTorch": "2.13.0 → 2.14.0"}


def test_different_settings_and_data_are_listed(two: tuple[LabWriter, LabWriter]) -> None:
    here, there = two
    part = there.lab.sweep_folder("activations") / "part-001.json"
    content = json.loads(part.read_text("utf-8"))
    for trial in content["trials"].values():
        trial["config"] |= {"trainer": {"max_epochs": 9}, "optimizer": {"lr": 0.1}}
    rewrite(part, content)
    for file in (there.lab.root / "trials").glob("*/*/trial.json"):
        rewrite(file, json.loads(file.read_text().replace("d1a7a", "07e5")))
    found = between(here, there)
    assert ("trainer.max_epochs", "none → 9") in differing(found)
    assert ("optimizer.lr", "none → 0.1") in differing(found)
    assert ("Data hash", "d1a7a → 07e5") in differing(found)
    assert any("trained on different data" in note for note in notes(found))


def test_mixed_versions_within_an_input_are_reported(two: tuple[LabWriter, LabWriter]) -> None:
    _, there = two
    drawn = {"relu": outcomes({}, 4)["relu"]}
    there.sweep(drawn, name="again", environ=ENVIRON | {"source_hash": "new", "commit": "ffff99"})
    text = " ".join(notes(between(*two)))
    assert "B: Trials come from 2 versions of ablab's source: 5f1c0a9e (10 trials), new" in text


def test_two_seeds_give_differences_and_no_answer(tmp_path: Path) -> None:
    here, there = LabWriter(tmp_path / "here"), another(tmp_path / "there")
    here.sweep({"relu": [0.98, 0.99]})
    there.sweep({"relu": [0.99, 0.99]})
    assert sentence(between(here, there)) == (
        "No answer from n = 2: a test needs three seeds or more; "
        "B minus A is relu +1.00 and 0.00 points."
    )


def test_failed_and_diverged_trials_are_counted(tmp_path: Path) -> None:
    here, there = LabWriter(tmp_path / "here"), another(tmp_path / "there")
    drawn = outcomes({}, 2)
    here.sweep(outcomes({}, 1))
    there.sweep(drawn | {"relu": ["failed", "diverged", *drawn["relu"][2:]]})
    found = between(here, there)
    assert "pairs left out because a trial has no result: relu (1)" in sentence(found)
    assert "diverged trials are counted for relu (1 of 10)" in sentence(found)
    assert "*" in change_table(found).rows[0][0][4]


def test_page_and_markdown_hold_the_table(two: tuple[LabWriter, LabWriter]) -> None:
    found = between(*two)
    page = write_change(found, output_folder(found))
    text, twin = (html.unescape(page.with_suffix(e).read_text("utf-8")) for e in (".html", ".md"))
    assert page.is_relative_to(two[0].lab.sweep_folder("activations"))
    for row, _ in change_table(found).rows:
        for cell in row:
            assert cell in text
            assert cell.replace("|", "\\|") in twin
    assert sentence(found) in twin.replace("\\", "")
    assert not re.search(r"<(link|script|img|iframe)|https?://", text)
    assert "<svg" in text
    assert two[0].lab.sweeps() == ["activations"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", r"sweep must be one that was planned: activations; got nothing"),
        ("/nowhere:activations", "lab must be a folder that holds lab.json, got /nowhere"),
        ("activations@beef", r"commit must be that of a run of activations \(0123abc\), got beef"),
    ],
)
def test_unknown_names_are_refused_with_a_list_of_the_known(
    name: str, message: str, two: tuple[LabWriter, LabWriter]
) -> None:
    with pytest.raises(ValueError, match=message):
        read_inputs("activations", name, two[0].lab)


def test_different_metrics_are_refused(two: tuple[LabWriter, LabWriter]) -> None:
    here, there = two
    there.sweep(outcomes({}, 3), name="lossy", metric="test/loss", goal="min")
    with pytest.raises(ValueError, match="one metric, got test/accuracy and test/loss"):
        read_inputs("activations", f"{there.lab.root}:lossy", here.lab)


def test_the_command_prints_table_answer_and_path(
    two: tuple[LabWriter, LabWriter],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    here, there = two
    monkeypatch.setenv("ABLAB_HOME", str(here.lab.root))
    words = ["compare", "activations", f"{there.lab.root}:activations", "--to", str(tmp_path / "o")]
    assert main(words) == 0
    output = capsys.readouterr().out
    assert f"A is activations, B is {there.lab.root}:activations" in " ".join(output.split())
    assert "From A to B, relu rises by" in output
    assert re.search(r"^relu +98\.5\d % +98\.9\d % +\+0\.\d\d", output, re.MULTILINE)
    assert f"Page: {tmp_path / 'o' / 'compare.html'}" in output
    assert (tmp_path / "o" / "compare.md").is_file()


def test_a_sweep_that_needs_another_look_is_not_compared_yet(two):
    """Tests at each look of a sweep would find too much."""
    here, there = two
    looks = {"sizes": [SEEDS, 10], "spending": "obrien_fleming", "futility": None}
    alike = outcomes({"tanh": 0.005, "elu": -0.005}, 3)
    there.sweep(alike, name="looking", block="other", looks=looks)
    own = read_input("looking", there.lab)
    assert own.num_pending == (10 - SEEDS) * len(MEANS)
    assert read_input("activations", here.lab).num_pending == 0
