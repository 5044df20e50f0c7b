"""A trial on its own, in this process."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from ablab.errors import ResourceError
from ablab.tracking.lab import Lab
from ablab.training.faults import ConfigError
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
