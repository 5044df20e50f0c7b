"""Disk space, and removal of trials: nothing that a plan needs or a process uses is deleted."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from recorded import begin, finish, trial

from ablab.cli import main
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell, Part, write_part
from ablab.tracking.removal import removal_faults, remove_trials, unneeded
from ablab.tracking.run import IMPORTING, Run
from ablab.tracking.search import SearchJournal, SearchRecord
from ablab.tracking.spec import read_spec
from ablab.tracking.usage import read_usage, size

Make = Callable[..., Run]


def plan(lab: Lab, sweep: str, *keys: str, **config: object) -> Path:
    cells = tuple(Cell(key, 0, "b", key) for key in keys)
    spec = read_spec({"seeds": [0], "blocks": {"b": {}}, "variants": {key: {} for key in keys}})
    trials = {key: trial(key, **config) for key in keys}
    return write_part(
        lab.sweep_folder(sweep), Part("comparison", 0.0, "ablab sweep x", spec, cells, trials)
    )


@pytest.fixture
def filled(lab: Lab, make_finished: Make) -> Lab:
    """Trials of a plan, of none, one that a planned trial starts from, one in training."""
    make_finished("aa01")
    make_finished("bb02")
    begin(lab, key="cc03")
    make_finished("dd04")
    make_finished("ee05")
    plan(lab, "demo", "aa01", init_from="ee05")
    return lab


def test_sizes_are_those_of_du(filled: Lab) -> None:
    words = ["du", "-sk", str(filled.root)]
    listed = subprocess.run(words, capture_output=True, text=True, check=True)
    assert size(filled.root) == pytest.approx(1024 * int(listed.stdout.split()[0]), abs=1024)
    usage = read_usage(filled)
    folders = size(filled.root) - usage.total
    assert 0 <= folders <= 2 * 4096  # the lab's own folder and that of all trials
    assert usage.trials["aa01"] == size(filled.root / "trials/aa01")


def test_trials_of_no_plan_are_found(filled: Lab) -> None:
    usage = read_usage(filled)
    assert usage.sweeps == {"aa01": ["demo"]}
    assert sorted(usage.unplanned) == ["bb02", "cc03", "dd04", "ee05"]
    sizes = [usage.trials[key] for key in usage.unplanned]
    assert sizes == sorted(sizes, reverse=True)


def test_what_a_plan_needs_or_a_process_uses_stays(filled: Lab) -> None:
    usage = read_usage(filled)
    (running,) = filled.runs("cc03")
    (filled.runs("dd04")[0].folder / IMPORTING).write_text("sweeps/other/part-001.json")
    with running.lock():
        assert unneeded(filled, usage) == ["bb02"]
        keys = ["aa01", "cc03", "dd04", "ee05"]
        faults = removal_faults(filled, usage, keys, force=False)
        forced = removal_faults(filled, usage, keys, force=True)
    assert faults == [
        "key must be a trial that no process uses, got cc03, which is being trained",
        "key must be a trial that no process uses, got dd04, which an import adds",
        "key must be a trial that no plan needs, got aa01, which demo counts; --force removes it",
        "key must be a trial that no plan needs, got ee05, from whose weights trials of demo start"
        "; --force removes it",
    ]
    assert forced == faults[:2]


DEFINITION = {
    "method": "grid",
    "pruning": "none",
    "metric": "val/accuracy",
    "goal": "max",
    "trials": 1,
    "seeds": [9000],
}


def test_the_trials_of_a_search_are_needed_and_named(filled: Lab, capsys: "Output") -> None:
    journal = SearchJournal(filled.sweep_folder("demo"))
    search = journal.begin(SearchRecord("s1", "relu", "b", DEFINITION))
    journal.ask(search.id, 0, {}, [trial("bb02")])
    usage = read_usage(filled)
    assert usage.sweeps["bb02"] == ["demo"]
    assert "bb02" not in unneeded(filled, usage)
    assert main(["du", "demo"]) == 0
    assert "demo: relu · tuning 1 · seed 3" in capsys.readouterr().out


def test_a_trial_that_begins_to_train_meanwhile_is_left(filled: Lab) -> None:
    (running,) = filled.runs("cc03")
    with running.lock():
        left = remove_trials(filled, ["bb02", "cc03"])
    assert list(left) == ["cc03"]
    assert not (filled.root / "trials/bb02").exists()
    assert running.trial["key"] == "cc03"


def test_a_removed_trial_leaves_nothing_and_can_be_trained_again(filled: Lab) -> None:
    before = {path for path in filled.root.rglob("*") if "bb02" not in path.parts}
    assert remove_trials(filled, ["bb02"]) == {}
    assert set(filled.root.rglob("*")) == before
    run = begin(filled, key="bb02")
    finish(run)
    assert filled.finished("bb02") == run


def test_a_damaged_plan_keeps_all_trials(filled: Lab) -> None:
    part = filled.sweep_folder("demo") / "part-001.json"
    part.write_text(part.read_text().replace("aa01", "aa02"))
    usage = read_usage(filled)
    (fault,) = removal_faults(filled, usage, ["bb02"], force=False)
    assert fault.startswith("plans must be intact, to know which trials they need, got: ")
    assert removal_faults(filled, usage, ["bb02"], force=True) == []


Output = pytest.CaptureFixture[str]


def test_du_lists_sweeps_and_their_trials_by_size(filled: Lab, capsys: Output) -> None:
    assert main(["du"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        *("sweep", "in no plan", "demo"),
        *(line.split("  ")[0] for line in lines[3:-1]),
        "the whole lab",
    ]
    assert main(["du", "demo"]) == 0
    (row,) = capsys.readouterr().out.splitlines()[1:]
    assert row.split()[:9] == ["aa01", "demo:", "aa01", "·", "seed", "0", "1", "finished", "no"]
    assert main(["du", "--unplanned"]) == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]} == {
        *("bb02", "cc03", "dd04", "ee05")
    }


def test_rm_shows_and_deletes_only_with_yes(filled: Lab, capsys: Output) -> None:
    assert main(["rm", "--unplanned"]) == 0
    text = capsys.readouterr().out
    assert "3 trials, " in text
    assert text.endswith("found; --yes deletes them\n")
    assert "ee05" not in text
    assert sorted(filled.keys()) == ["aa01", "bb02", "cc03", "dd04", "ee05"]
    assert main(["rm", "--unplanned", "--yes"]) == 0
    assert sorted(filled.keys()) == ["aa01", "ee05"]
    assert main(["rm", "aa", "--yes"]) == 2
    assert "which demo counts; --force removes it" in capsys.readouterr().err
    assert main(["rm", "aa", "ee", "--yes", "--force"]) == 0
    assert list(filled.keys()) == []


def test_rm_says_which_trials_a_process_took_meanwhile(
    filled: Lab, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ablab.tracking.removal.removal_faults", lambda *_, **__: [])
    with filled.runs("bb02")[0].lock():
        assert main(["rm", "bb", "cc", "--yes"]) == 2
    captured = capsys.readouterr()
    assert "1 trial, " in captured.out
    assert "got bb02, which is being trained" in captured.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rm"], "rm must be given keys of trials or --unplanned, got neither"),
        (["rm", "aa", "--unplanned"], "rm must be given keys of trials or --unplanned, got both"),
        (["rm", "--unplanned", "--force"], "--force must be given with keys of trials"),
        (["rm", "zz"], "key must begin one trial's key, got zz"),
        (["du", "demo", "--unplanned"], "--unplanned must be given without a sweep, got demo"),
    ],
)
def test_wrong_words_are_refused(
    filled: Lab, words: list[str], message: str, capsys: Output
) -> None:
    assert main(words) == 2
    assert message in capsys.readouterr().err
    assert len(list(filled.keys())) == 5


def test_delivered_trials_are_marked(filled: Lab, capsys: Output) -> None:
    (run,) = filled.runs("bb02")
    state = {"run_id": "0", "completion": "c" * 64}
    (run.folder / "runs.json").write_text(json.dumps({"lab": {"trials": state}}))
    main(["du", "--unplanned"])
    rows = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines()}
    assert (rows["bb02"][-3], rows["dd04"][-3]) == ("yes", "no")
