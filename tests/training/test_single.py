"""A trial on its own, in this process."""

import io
import time
from pathlib import Path

import pytest
from rich.console import Console

from ablab.config.compose import compose
from ablab.config.trial import freeze
from ablab.errors import ResourceError, StoreError
from ablab.faults import ConfigError
from ablab.tracking.journal import Journal
from ablab.tracking.lab import Lab
from ablab.tracking.records import BEST
from ablab.training import attempt
from ablab.training.recorder import CHECKPOINT, Recorder, checkpoint_line
from ablab.training.single import train

MLP = ["architecture=mlp", "architecture.widths=[8]", "trainer.max_epochs=2"]


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "lab"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*overrides: str, fresh: bool = False) -> tuple[int, str, str]:
    text = io.StringIO()
    code, take = train(
        [*MLP, *overrides], fresh=fresh, offline=True, console=Console(file=text, width=200)
    )
    return code, take.number, text.getvalue()


def test_same_command_finds_the_finished_trial() -> None:
    code, number, text = run()
    assert (code, number) == (0, "001")
    assert "starts: mlp" in text
    assert run() == (0, "001", "")


def test_fresh_keeps_the_old_take() -> None:
    run()
    code, number, _ = run(fresh=True)
    assert (code, number) == (0, "002")
    lab = Lab.open()
    (key,) = lab.keys()
    old, new = lab.takes(key)
    assert old.completion is not None
    assert new.completion is not None
    assert old.completion.metrics == new.completion.metrics


def test_unfinished_take_is_gone_on_with() -> None:
    run()
    lab = Lab.open()
    (key,) = lab.keys()
    (lab.takes(key)[0].folder / "completion.json").unlink()
    code, number, text = run()
    assert (code, number) == (0, "001")
    assert "goes on after epoch 2" in text


def test_trial_that_another_process_trains_is_refused() -> None:
    run()
    lab = Lab.open()
    (take,) = lab.takes(next(iter(lab.keys())))
    (take.folder / "completion.json").unlink()
    with take.lock(), pytest.raises(ConfigError, match="trial must be idle, got"):
        run()


def test_faults_are_told_before_a_lab_is_made(at_home: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        run("optimizer.lr=-1", "activation=rleu", "seed=x")
    assert len(caught.value.faults) == 3
    assert {path.name for path in at_home.glob("lab/*")} <= {"cache"}


def test_store_that_is_away_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ablab.training.single._DELIVERY_SECONDS", 1.0)
    text = io.StringIO()
    code, take = train(MLP, console=Console(file=text, width=200))
    assert code == 0
    assert take.completion is not None
    assert "`ablab sync` delivers it" in text.getvalue()


def test_full_disk_is_told_before_a_take_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ablab.training.single._SPARE_BYTES", 10**18)
    with pytest.raises(ResourceError, match="free disk space must be"):
        run()
    assert list(Lab.open().keys()) == []


def test_training_goes_on_over_a_journal_that_is_cut_at_any_byte(
    monkeypatch: pytest.MonkeyPatch, at_home: Path
) -> None:
    """The end of a trial stands for its training: its journal is opened and gone on with."""
    run()
    lab = Lab.open()
    (take,) = lab.takes(*lab.keys())
    whole, record = take.journal.read_bytes(), (take.folder / "completion.json").read_bytes()
    last = take.entries()[-1]

    def work(folder: Path, *_: object) -> int:
        journal = Journal(folder / "journal.jsonl")
        time.sleep(0.001)
        journal.append(last)
        return 0

    monkeypatch.setattr(attempt, "work", work)
    trial = freeze(compose(MLP))
    start = whole[:-1].rindex(b"\n") + 1
    for end in range(start, len(whole) + 1):
        take.journal.write_bytes(whole[:end])
        text = io.StringIO()
        assert attempt.attempt(take, trial, Console(file=text, width=200)) == 0
        assert take.journal.read_bytes() == whole
    (take.folder / "completion.json").write_bytes(record)
    assert take.status() == "finished"


@pytest.mark.parametrize("left", [0, 1, 40, -1])
def test_a_torn_journal_is_gone_on_with_to_the_same_result(left: int) -> None:
    """Cut within its last line, or behind it whole: the checkpoint brings the line again."""
    run()
    lab = Lab.open()
    (take,) = lab.takes(*lab.keys())
    before = take.completion
    whole = take.journal.read_bytes()
    start = whole[:-1].rindex(b"\n") + 1
    take.journal.write_bytes(whole[: start + left] if left >= 0 else whole[:left])
    (take.folder / "completion.json").unlink()
    code, number, _ = run()
    assert (code, number) == (0, "001")
    assert before is not None
    assert take.completion is not None
    assert take.completion.metrics == before.metrics
    assert [e.epoch for e in take.entries() if e.kind == "epoch"] == [0, 1]


def test_a_damaged_record_is_made_good_by_the_same_command() -> None:
    run()
    lab = Lab.open()
    (take,) = lab.takes(*lab.keys())
    before = take.completion
    path = take.folder / "completion.json"
    path.write_text(path.read_text().replace('"test/accuracy": 0.', '"test/accuracy": 1.'))
    assert take.status() == "damaged"
    code, number, _ = run()
    assert (code, number) == (0, "001")
    assert take.completion is not None
    assert before is not None
    assert take.completion.metrics == before.metrics


@pytest.mark.parametrize("name", ["trial.json", "journal.jsonl"])
def test_what_cannot_be_gone_on_with_gets_a_new_take(name: str) -> None:
    run()
    lab = Lab.open()
    (take,) = lab.takes(*lab.keys())
    before = take.completion
    path = take.folder / name
    path.write_text(path.read_text().replace("0", "1", 1))
    code, number, text = run()
    assert (code, number) == (0, "002")
    assert str(path) in text
    assert "A new take is trained" in text
    new = lab.takes(*lab.keys())[-1].completion
    assert before is not None
    assert new is not None
    assert new.metrics == before.metrics


def test_lines_that_are_gone_behind_the_checkpoint_are_written_again() -> None:
    run()
    lab = Lab.open()
    (take,) = lab.takes(*lab.keys())
    lines = take.journal.read_bytes().splitlines(keepends=True)
    assert [e.kind for e in take.entries()] == ["attempt", "epoch", "epoch"]
    take.journal.write_bytes(lines[0])
    (take.folder / "completion.json").unlink()
    assert run()[:2] == (0, "001")
    assert [e.epoch for e in take.entries() if e.kind == "epoch"] == [0, 1]


def test_an_exception_in_an_epoch_leaves_weights_and_checkpoint_as_they_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Lightning's own checkpoints have an option that overwrites the best at an exception."""
    kept: dict[str, bytes] = {}

    def fail(recorder: Recorder, *_: object) -> None:
        folder = recorder.take.folder
        if (folder / CHECKPOINT).exists():
            kept.update({n: (folder / n).read_bytes() for n in (CHECKPOINT, BEST)})
            raise RuntimeError("in the second epoch")

    monkeypatch.setattr(Recorder, "on_validation_start", fail)
    code, _, _ = run()
    assert code == 1
    (take,) = Lab.open().takes(*Lab.open().keys())
    assert kept
    for name, content in kept.items():
        assert (take.folder / name).read_bytes() == content
    assert not [path.name for path in take.folder.glob("*.ckpt") if path.name != CHECKPOINT]
    assert checkpoint_line(take.folder / CHECKPOINT) is not None


@pytest.mark.parametrize("uri", ["./mlrunz", "sqlite:///nowhere/x.db", "file:runs", "htp://x"])
def test_a_mistyped_store_is_refused_before_training(
    monkeypatch: pytest.MonkeyPatch, at_home: Path, uri: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(StoreError, match="MLFLOW_TRACKING_URI must"):
        train(MLP, console=Console(file=io.StringIO()))
    assert not list(Lab.open().keys())
    assert {path.name for path in at_home.iterdir()} <= {"lab"}


@pytest.mark.parametrize("kind", ["absent", "damaged"])
def test_a_store_that_cannot_be_used_is_told_and_the_training_counts(
    monkeypatch: pytest.MonkeyPatch, at_home: Path, kind: str
) -> None:
    if kind == "damaged":
        monkeypatch.delenv("MLFLOW_TRACKING_URI")
        (at_home / "lab" / "mlflow.db").write_bytes(b"no database at all" * 100)
    text = io.StringIO()
    code, take = train(MLP, console=Console(file=text, width=300))
    said = text.getvalue()
    assert code == 0
    assert take.completion is not None
    assert "Not in MLflow yet" in said
    assert "Traceback" not in said
    if kind == "damaged":
        assert "`ablab sync --rebuild`" in said.split("Trial")[0]  # before it trains
