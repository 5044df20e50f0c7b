"""A sweep is carried to another lab, whole or not at all."""

import io
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from archives import A, B, C, archive_of, contents, import_into, members, plan_of, write_sweep
from recorded import begin, epoch, finish

from ablab.errors import InputError
from ablab.tracking.archive.imports import import_archive
from ablab.tracking.completion import read_completion
from ablab.tracking.delivery_state import RUNS
from ablab.tracking.files import write_json
from ablab.tracking.journal import Journal
from ablab.tracking.lab import Lab
from ablab.tracking.plan import find_plan
from ablab.tracking.records import read_record
from ablab.tracking.run import IMPORTING, LOCK, Run
from ablab.tracking.store import Store
from ablab.tracking.sync import sync


@pytest.fixture
def archive(lab: Lab) -> bytes:
    write_sweep(lab)
    return archive_of(lab)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return tmp_path / "other" / "lab"


def test_a_sweep_arrives_with_every_record(
    lab: Lab, archive: bytes, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = import_into(other, archive, monkeypatch)
    there = Lab(other)
    assert (result.sweep, sorted(result.added), result.absent) == ("mine", [A, B, C], [])
    assert find_plan(there, "mine") == find_plan(lab, "mine")
    for key, outcome in ((A, "finished"), (B, "finished"), (C, "stopped")):
        old, new = read_record(lab, key), read_record(there, key)
        assert new.outcome == old.outcome == outcome
        assert (new.metrics, new.epochs) == (old.metrics, old.epochs)
        assert new.environment["host"] == "h"
        assert read_completion(there.runs(key)[0].folder, thorough=True) == old_record(lab, key)
    assert (there.runs(C)[0].folder / "checkpoint.ckpt").read_bytes() == b"state"
    names = {path.name for path in other.rglob("*")}
    assert not names & {IMPORTING, "notes.exe"}
    assert [p.name for p in other.iterdir() if p.name.startswith(".import-")] == []


def old_record(lab: Lab, key: str) -> Any:
    return lab.runs(key)[0].completion


def test_reports_from_outside_are_kept_apart(
    archive: bytes, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_into(other, archive, monkeypatch)
    folder = other / "sweeps" / "mine"
    assert (folder / "received" / "report.html").read_text() == "<h1>Which?</h1>"
    assert not (folder / "report").exists()


def test_state_of_this_machine_is_not_carried(lab: Lab) -> None:
    write_sweep(lab)
    run = lab.runs(A)[0]
    write_json(run.folder / RUNS, {"lab": {}})
    (run.folder / LOCK).touch()
    names = {name.rpartition("/")[2] for name in members(archive_of(lab))}
    assert not names & {RUNS, LOCK, "discarded"}


def test_repeated_it_changes_nothing(
    archive: bytes, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_into(other, archive, monkeypatch)
    before = contents(other)
    result = import_into(other, archive, monkeypatch)
    assert (result.added, sorted(result.equal), result.kept) == ([], [A, B], [C])
    assert contents(other) == before


def test_without_weights_a_trial_is_finished_and_gets_them_later(
    lab: Lab, archive: bytes, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = archive_of(lab, weights=False)
    result = import_into(other, small, monkeypatch)
    assert sorted(result.added) == [A, B]
    assert result.absent == [C]  # nobody could continue it
    there = Lab(other)
    assert not list(other.rglob("*.safetensors"))
    assert [there.runs(key)[0].status() for key in (A, B)] == ["finished", "finished"]
    result = import_into(other, archive, monkeypatch)
    assert (sorted(result.completed), result.added) == ([A, B], [C])
    weights = there.runs(A)[0].folder / "last.safetensors"
    assert weights.read_bytes() == b"wghts"
    weights.unlink()  # noted as missing, but not as lost later on
    assert there.runs(A)[0].status() == "finished"


def test_a_sweep_without_weights_is_delivered(
    lab: Lab, other: Path, monkeypatch: pytest.MonkeyPatch, template: Path
) -> None:
    write_sweep(lab)
    import_into(other, archive_of(lab, weights=False), monkeypatch)
    there = Lab(other)
    (other / "mlflow.db").write_bytes(template.read_bytes())
    result = sync(there, Store.open(there))
    assert (result.complete, result.failed) == (2, {})


def test_an_unfinished_run_of_the_lab_is_kept_beside(
    archive: bytes, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = Lab.open(other)
    own = begin(there, epochs=1, key=A)
    before = own.journal.read_bytes()
    result = import_into(other, archive, monkeypatch)
    assert A in result.added
    assert [run.number for run in there.runs(A)] == ["001", "002"]
    counting = there.finished(A)
    assert counting is not None
    assert counting.number == "002"
    assert counting.status() == "finished"
    assert own.journal.read_bytes() == before
    assert A in import_into(other, archive, monkeypatch).equal  # whatever its number


def test_a_repetition_with_equal_results_is_kept(
    archive: bytes, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = Lab.open(other)
    run = begin(there, epochs=2, key=A)
    (run.folder / "log.txt").write_text("another machine\n")
    finish(run)
    before = contents(run.folder)
    assert import_into(other, archive, monkeypatch).repeated == [A]
    assert contents(run.folder) == before


def test_other_results_are_refused_unless_the_own_are_kept(
    archive: bytes, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = Lab.open(other)
    run = begin(there, epochs=2, key=A)
    Journal(run.journal).append(epoch(2, extra=1.0))
    finish(run)
    before = contents(other)
    with pytest.raises(InputError, match=f"must have the results that this lab has.*{A}"):
        import_into(other, archive, monkeypatch)
    assert contents(other) == before
    result = import_into(other, archive, monkeypatch, keep=True)
    assert (sorted(result.kept), sorted(result.added)) == ([A], [B, C])
    assert there.finished(A) == run
    assert before.items() <= contents(other).items()


def test_another_plan_of_that_name_is_refused_and_another_name_works(
    archive: bytes, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = Lab.open(other)
    plan_of(there, [A])
    before = contents(other)
    with pytest.raises(InputError, match=r"sweep must be new in the lab, got 'mine'.*--as NAME"):
        import_into(other, archive, monkeypatch)
    assert contents(other) == before
    assert import_into(other, archive, monkeypatch, name="theirs").sweep == "theirs"
    assert there.sweeps() == ["mine", "theirs"]
    assert len(find_plan(there, "theirs").cells) == 3


def test_labs_that_trained_a_part_of_a_sweep_each_are_put_together(
    lab: Lab, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each machine has planned the whole sweep, at a time of its own."""
    plan_of(lab)
    finish(begin(lab, epochs=2, key=A))
    there = Lab.open(other)
    monkeypatch.setattr("archives.PLANNED", 99.0)
    plan_of(there)
    own = begin(there, epochs=2, key=B)
    finish(own)
    plan = find_plan(there, "mine")
    assert plan.parts[0].time != find_plan(lab, "mine").parts[0].time
    result = import_into(other, archive_of(lab), monkeypatch)
    assert (result.added, result.absent) == ([A], [C])
    assert there.finished(A) is not None
    assert there.finished(B) == own
    assert find_plan(there, "mine") == plan


@pytest.mark.parametrize("spec", [{"question": "Who?"}, {"seeds": 4}])
def test_another_question_of_the_same_trials_is_another_plan(
    archive: bytes, other: Path, monkeypatch: pytest.MonkeyPatch, spec: dict[str, Any]
) -> None:
    monkeypatch.setattr("archives.QUESTION", {"question": "Which?", "seeds": 3} | spec)
    plan_of(Lab.open(other))
    with pytest.raises(InputError, match="which has another plan there"):
        import_into(other, archive, monkeypatch)


def test_a_folder_with_other_files_is_refused(
    archive: bytes, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Lab.open(other).sweep_folder("mine")
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="which has other files there"):
        import_into(other, archive, monkeypatch)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "a\x1b[31m", "x" * 300])
def test_a_name_that_is_no_folder_is_refused(
    archive: bytes, other: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with pytest.raises(InputError, match="sweep must be the name of a folder"):
        import_into(other, archive, monkeypatch, name=name)
    assert not other.exists()


def test_the_trial_whose_weights_others_start_from_travels_too(
    lab: Lab, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan_of(lab, [A], init_from=B)
    finish(begin(lab, epochs=2, key=A, init_from=B))
    finish(begin(lab, epochs=2, key=B))
    assert sorted(import_into(other, archive_of(lab), monkeypatch).added) == [A, B]


def test_a_sweep_without_trained_trials_is_not_exported(lab: Lab) -> None:
    plan_of(lab)
    with pytest.raises(InputError, match="sweep must have a trained trial, got mine"):
        archive_of(lab)


def test_a_file_that_changes_during_the_export_is_noticed(lab: Lab) -> None:
    from ablab.tracking.archive.export import make_export

    write_sweep(lab)
    export = make_export(lab, find_plan(lab, "mine"))
    for content in ("other\n", ""):
        (lab.runs(A)[0].folder / "log.txt").write_text(content)
        with pytest.raises(InputError, match="must not change during the export"):
            export.write(io.BytesIO())


def _import_until_killed(archive: bytes, calls: int) -> bool:
    """Import in a process that is killed before its n-th rename, removal or fsync.

    Returns:
        Whether it was killed.
    """
    pid = os.fork()
    if pid == 0:
        left = [calls]
        for owner, name in ((Path, "replace"), (Path, "unlink"), (os, "fsync"), (Path, "mkdir")):
            setattr(owner, name, _killing(getattr(owner, name), left))
        try:
            import_archive(io.BytesIO(archive), lambda _: ())
        finally:
            os._exit(0)
    return os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL


def _killing(original: Any, left: list[int]) -> Any:
    def function(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **named)

    return function


def _seen(lab: Lab) -> dict[str, Any]:
    """Return what commands see of a lab."""
    runs = [run for key in [*lab.keys()] for run in lab.runs(key)]
    return {"sweeps": lab.sweeps(), "runs": {f"{r.key}/{r.number}": r.status() for r in runs}}


@pytest.mark.slow
def test_a_killed_import_leaves_the_lab_as_it_was_and_can_be_repeated(
    archive: bytes, other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before each of its renames, removals and writes to the disk."""
    template = Lab.open(tmp_path / "template")
    begin(template, epochs=1, key=A)
    finish(begin(template, epochs=2, key=B))
    before, own = _seen(template), contents(template.root)
    added = {f"{A}/002": "finished", f"{C}/001": "stopped"}
    after = {"sweeps": ["mine"], "runs": before["runs"] | added}
    monkeypatch.setenv("ABLAB_HOME", str(other))
    there, seen, kills, was_killed = Lab(other), [], 0, True
    while was_killed:
        shutil.rmtree(other, ignore_errors=True)
        shutil.copytree(template.root, other)
        was_killed = _import_until_killed(archive, kills)
        seen.append(_seen(there))
        import_into(other, archive, monkeypatch)
        assert _seen(there) == after
        assert own.items() <= contents(other).items()
        assert not list(other.rglob(IMPORTING))
        assert not list(other.glob(".import-*"))
        kills += 1
    change = seen.index(after)
    assert 20 < change < len(seen) - 1
    assert seen == [before] * change + [after] * (len(seen) - change)


def test_an_error_in_the_middle_leaves_the_lab_as_it_was(
    archive: bytes, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = Lab.open(other)
    before = contents(other)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("ablab.tracking.archive.imports._move_plan", fail)
        with pytest.raises(OSError, match="No space left"):
            import_into(other, archive, patch)
    assert contents(other) == before
    assert _seen(there) == {"sweeps": [], "runs": {}}
    assert len(import_into(other, archive, monkeypatch).added) == 3


def test_two_imports_at_a_time_are_refused(
    archive: bytes, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from filelock import FileLock

    Lab.open(other)
    with (
        FileLock(other / ".import.lock"),
        pytest.raises(InputError, match="one import at a time"),
    ):
        import_into(other, archive, monkeypatch)


def test_a_run_under_way_is_hidden_until_its_plan_is_there(lab: Lab) -> None:
    run = begin(lab, epochs=1, key=A)
    (run.folder / IMPORTING).write_text("sweeps/mine/part-001.json")
    assert (lab.runs(A), list(lab.keys())) == ([], [])
    plan_of(lab, [A])
    assert lab.runs(A) == [Run(run.folder)]
    assert list(lab.keys()) == [A]
