"""A single trial in this process."""

import io
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.errors import ResourceError, StoreError
from ablab.faults import ConfigError
from ablab.model import build
from ablab.tracking.journal import Journal
from ablab.tracking.lab import Lab
from ablab.tracking.picture_data import read_calibration, read_filters, read_mistakes
from ablab.tracking.records import BEST, read_correct
from ablab.tracking.run import CHECKPOINT
from ablab.training import foreground
from ablab.training.recorder import Recorder, checkpoint_line
from ablab.training.single import train

MLP = ["architecture=mlp", "architecture.widths=[8]", "trainer.max_epochs=2"]


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "lab"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def trained(*overrides: str, fresh: bool = False) -> tuple[int, str, str]:
    text = io.StringIO()
    code, run = train(
        [*MLP, *overrides], fresh=fresh, offline=True, console=Console(file=text, width=200)
    )
    return code, run.number, text.getvalue()


def test_the_same_command_finds_the_finished_trial() -> None:
    code, number, text = trained()
    assert (code, number) == (0, "001")
    assert "starts: mlp" in text
    assert trained() == (0, "001", "")


def test_launcher_on_other_machines_is_refused_for_one_trial(at_home: Path) -> None:
    with pytest.raises(ConfigError, match=r"launcher must be local .* got slurm"):
        train([*MLP, "launcher=slurm"], offline=True)
    assert not (at_home / "lab" / "trials").exists()


def test_a_finished_run_has_what_pictures_need_and_no_checkpoint() -> None:
    cnn = ["architecture=cnn", "architecture.channels=[4]", "trainer.max_epochs=1"]
    code, run = train(cnn, offline=True, console=Console(file=io.StringIO()))
    assert code == 0
    assert not (run.folder / CHECKPOINT).exists()
    completion, mistakes, filters = (
        run.completion,
        read_mistakes(run.folder),
        read_filters(run.folder),
    )
    assert completion is not None
    assert {"mistakes.npz", "filters.npz", "calibration.csv"} <= completion.artifacts.keys()
    assert mistakes is not None
    assert filters is not None
    assert filters.shape[:2] == (4, 1)
    table = read_calibration(run.folder)
    assert table is not None
    total, metrics = table["images"].sum(), completion.metrics
    assert total == completion.metadata["test_images"]
    hits = np.nansum(table["images"] * table["accuracy"])
    assert hits / total == pytest.approx(metrics["test/accuracy"], abs=1e-5)
    gaps = np.abs(np.nan_to_num(table["accuracy"] - table["confidence"]))
    assert metrics["test/ece"] == pytest.approx((table["images"] * gaps).sum() / total, abs=1e-5)
    correct = read_correct(run.folder, int(total))
    assert correct is not None
    assert len(mistakes.images) == min(25, np.count_nonzero(~correct))
    assert (mistakes.predicted != mistakes.target).all()
    # The stored pixels are those of wrongly classified test images, with their labels.
    images, labels = the_test_part()
    for image, target in zip(mistakes.images, mistakes.target, strict=True):
        same = np.flatnonzero((images == image).all(axis=(1, 2, 3)))
        assert any(labels[i] == target and not correct[i] for i in same)


def the_test_part() -> tuple[np.ndarray, np.ndarray]:
    """Return the test images (N, C, H, W) and labels of the digits, as the cache has them."""
    data = build.datamodule(compose(MLP).resolved())
    batches = list(data.test_dataloader())
    pixels = torch.cat([data.to_pixels(x) for x, _ in batches]).numpy()
    return pixels, torch.cat([y for _, y in batches]).numpy()


def test_fresh_keeps_the_old_run() -> None:
    trained()
    code, number, _ = trained(fresh=True)
    assert (code, number) == (0, "002")
    lab = Lab.open()
    (key,) = lab.keys()
    old, new = lab.runs(key)
    assert old.completion is not None
    assert new.completion is not None
    assert old.completion.metrics == new.completion.metrics


def test_an_unfinished_run_is_resumed() -> None:
    trained()
    lab = Lab.open()
    (key,) = lab.keys()
    (lab.runs(key)[0].folder / "completion.json").unlink()
    code, number, text = trained()
    assert (code, number) == (0, "001")
    assert "continues after epoch 2" in text


def test_a_trial_that_another_process_trains_is_refused() -> None:
    trained()
    lab = Lab.open()
    (run,) = lab.runs(next(iter(lab.keys())))
    (run.folder / "completion.json").unlink()
    with run.lock(), pytest.raises(ConfigError, match="trial must be idle, got"):
        trained()


def test_faults_are_reported_before_a_lab_is_created(at_home: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        trained("optimizer.lr=-1", "activation=rleu", "seed=x")
    assert len(caught.value.faults) == 3
    assert {path.name for path in at_home.glob("lab/*")} <= {"cache"}


def test_an_unreachable_store_does_not_stop_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ablab.training.single._DELIVERY_SECONDS", 1.0)
    text = io.StringIO()
    code, run = train(MLP, console=Console(file=text, width=200))
    assert code == 0
    assert run.completion is not None
    assert "`ablab sync` delivers it" in text.getvalue()


def test_a_full_disk_is_reported_before_a_run_is_created(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ablab.disk.FLOOR_BYTES", 10**18)
    with pytest.raises(ResourceError, match="free disk space must be"):
        trained()
    assert list(Lab.open().keys()) == []


def test_a_journal_that_is_cut_at_any_byte_is_continued(
    monkeypatch: pytest.MonkeyPatch, at_home: Path
) -> None:
    """A stand-in for training opens the journal and appends its last entry."""
    trained()
    lab = Lab.open()
    (run,) = lab.runs(*lab.keys())
    content, record = run.journal.read_bytes(), (run.folder / "completion.json").read_bytes()
    last = run.entries()[-1]

    def append_last(folder: Path, *_: object) -> int:
        journal = Journal(folder / "journal.jsonl")
        time.sleep(0.001)
        journal.append(last)
        return 0

    monkeypatch.setattr(foreground, "run_process", append_last)
    trial = resolve(compose(MLP))
    start = content[:-1].rindex(b"\n") + 1
    for end in range(start, len(content) + 1):
        run.journal.write_bytes(content[:end])
        text = io.StringIO()
        assert foreground.run_in_foreground(run, trial, Console(file=text, width=200)) == 0
        assert run.journal.read_bytes() == content
    (run.folder / "completion.json").write_bytes(record)
    assert run.status() == "finished"


@pytest.mark.parametrize("left", [0, 1, 40, -1])
def test_a_truncated_journal_leads_to_the_same_result(left: int) -> None:
    """The journal is cut within or before its last line, which the checkpoint contains too."""
    trained()
    lab = Lab.open()
    (run,) = lab.runs(*lab.keys())
    before = run.completion
    content = run.journal.read_bytes()
    start = content[:-1].rindex(b"\n") + 1
    run.journal.write_bytes(content[: start + left] if left >= 0 else content[:left])
    (run.folder / "completion.json").unlink()
    code, number, _ = trained()
    assert (code, number) == (0, "001")
    assert before is not None
    assert run.completion is not None
    assert run.completion.metrics == before.metrics
    assert [e.epoch for e in run.entries() if e.kind == "epoch"] == [0, 1]


def test_a_damaged_completion_record_is_repaired_by_the_same_command() -> None:
    trained()
    lab = Lab.open()
    (run,) = lab.runs(*lab.keys())
    before = run.completion
    path = run.folder / "completion.json"
    path.write_text(path.read_text().replace('"test/accuracy": 0.', '"test/accuracy": 1.'))
    assert run.status() == "damaged"
    code, number, _ = trained()
    assert (code, number) == (0, "001")
    assert run.completion is not None
    assert before is not None
    assert run.completion.metrics == before.metrics


@pytest.mark.parametrize("name", ["trial.json", "journal.jsonl"])
def test_a_run_that_cannot_be_resumed_is_replaced_by_a_new_one(name: str) -> None:
    trained()
    lab = Lab.open()
    (run,) = lab.runs(*lab.keys())
    before = run.completion
    path = run.folder / name
    path.write_text(path.read_text().replace("0", "1", 1))
    code, number, text = trained()
    assert (code, number) == (0, "002")
    assert str(path) in text
    assert "Training a new run" in text
    new = lab.runs(*lab.keys())[-1].completion
    assert before is not None
    assert new is not None
    assert new.metrics == before.metrics


def test_lines_lost_after_the_checkpoint_are_written_again() -> None:
    trained()
    lab = Lab.open()
    (run,) = lab.runs(*lab.keys())
    lines = run.journal.read_bytes().splitlines(keepends=True)
    assert [e.kind for e in run.entries()] == ["attempt", "epoch", "epoch"]
    run.journal.write_bytes(lines[0])
    (run.folder / "completion.json").unlink()
    assert trained()[:2] == (0, "001")
    assert [e.epoch for e in run.entries() if e.kind == "epoch"] == [0, 1]


def test_an_exception_in_an_epoch_does_not_change_weights_and_checkpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Lightning's own checkpoints have an option that overwrites the best at an exception."""
    kept: dict[str, bytes] = {}

    def fail(recorder: Recorder, *_: object) -> None:
        folder = recorder.run.folder
        if (folder / CHECKPOINT).exists():
            kept.update({n: (folder / n).read_bytes() for n in (CHECKPOINT, BEST)})
            raise RuntimeError("in the second epoch")

    monkeypatch.setattr(Recorder, "on_validation_start", fail)
    code, _, _ = trained()
    assert code == 1
    (run,) = Lab.open().runs(*Lab.open().keys())
    assert kept
    for name, content in kept.items():
        assert (run.folder / name).read_bytes() == content
    assert not [path.name for path in run.folder.glob("*.ckpt") if path.name != CHECKPOINT]
    assert checkpoint_line(run.folder / CHECKPOINT) is not None


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
def test_an_unusable_store_is_reported_and_the_training_counts(
    monkeypatch: pytest.MonkeyPatch, at_home: Path, kind: str
) -> None:
    if kind == "damaged":
        monkeypatch.delenv("MLFLOW_TRACKING_URI")
        (at_home / "lab" / "mlflow.db").write_bytes(b"no database at all" * 100)
    text = io.StringIO()
    code, run = train(MLP, console=Console(file=text, width=300))
    output = text.getvalue()
    assert code == 0
    assert run.completion is not None
    assert "Not in MLflow yet" in output
    assert "Traceback" not in output
    if kind == "damaged":
        assert "`ablab sync --rebuild`" in output.split("Trial")[0]  # before it trains
