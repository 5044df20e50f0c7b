"""`ablab claims`: the table, running claims, and the page."""

from pathlib import Path

import pytest

from ablab import cli

SMALL = """\
# @package _global_
defaults:
  - override /dataset: digits
  - override /architecture: mlp
architecture: {widths: [8]}
batch_size: 16
data: {train_images: 64, val_images: 64, test_images: 64}
trainer: {max_epochs: 1}
"""
MINE = (
    SMALL
    + """\
sweep:
  question: Is ReLU better?
  kind: best
  seeds: 3
  grid: {activation: [relu, tanh]}
  claim:
    says: It is.
    source: S4
    expects:
      - {expect: higher, of: relu, than: tanh}
      - {expect: identity, check: shifted_sigmoid}
"""
)
START = (
    SMALL
    + """\
sweep:
  question: Do weights help?
  kind: versus_baseline
  baseline: scratch
  seeds: 3
  variants: {scratch: {init_from: null}, started: {}}
  claim:
    says: They do.
    source: S2
    expects: [{expect: higher, of: started, than: scratch}]
    pretrain: [architecture=mlp, "architecture.widths=[8]", trainer.max_epochs=1]
"""
)


@pytest.fixture
def here(sweeps: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (sweeps / "mine.yaml").write_text(MINE)
    monkeypatch.chdir(sweeps.parent)
    return sweeps.parent


def test_the_table_lists_every_claim(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["claims"]) == 0
    out = capsys.readouterr().out
    assert out.count("not run") == 44
    assert "Stacked linear layers are one linear layer." in out


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["99"], "claims must be numbers or names of claims, as `ablab claims` lists them, got 99"),
        (["size=huge"], "size must be one of small, full, got huge"),
        (["run", "1", "batch_size=3"], "claims must be given overrides that change no trial, with"),
        (["launcher.slots=1"], "claims must be given overrides that change no trial, with run"),
        (["report", "--dry-run"], "--dry-run must be given with `claims run`, got report"),
    ],
)
def test_wrong_words_are_refused(
    words: list[str], fault: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["claims", *words]) == 2
    assert fault in capsys.readouterr().err


@pytest.mark.slow
def test_a_claim_is_run_and_reported(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["claims", "run", "mine", "--dry-run"]) == 0
    assert "6 to train" in capsys.readouterr().out
    assert cli.main(["claims", "run", "mine", "--offline", "launcher.slots=1"]) == 0
    out = capsys.readouterr().out
    assert "6 finished; 6 trained now" in out
    assert "Report: " in out
    assert "mine" in out.splitlines()[-2] + out.splitlines()[-1]
    assert cli.main(["claims", "report", "mine", "--offline"]) == 0
    page = Path(capsys.readouterr().out.rpartition("Claims: ")[2].strip())
    assert "It is." in page.read_text("utf-8")
    assert (page.parent / "mine" / "report" / "report.html").is_file()


@pytest.mark.slow
def test_weights_to_start_from_are_trained_before_the_sweep(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "sweeps" / "start.yaml").write_text(START)
    assert cli.main(["sweep", "start", "--offline"]) == 2
    assert "must be trained before start, which starts from its weights" in capsys.readouterr().err
    assert cli.main(["claims", "run", "start", "--dry-run", "--offline"]) == 0
    out = capsys.readouterr().out
    assert "trainer.max_epochs=1: not trained yet, so there is no forecast" in out
    assert "to train" not in out
    assert cli.main(["claims", "run", "start", "--offline"]) == 0
    assert "6 finished; 6 trained now" in capsys.readouterr().out
    assert cli.main(["claims", "run", "start", "--dry-run", "--offline"]) == 0
    assert "0 to train" in capsys.readouterr().out
