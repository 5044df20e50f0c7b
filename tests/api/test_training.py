"""`ablab.train`: the trial of the command; how it ends is raised or returned."""

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import ablab
from ablab import cli, errors
from ablab.api.training import TrialResult
from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.signals import TerminatedError
from ablab.tracking.lab import Lab
from ablab.training import single

MLP = {"architecture": "mlp", "offline": True}
USERS = """
from torch import nn
class Mine(nn.ReLU):
    def forward(self, x):
        {body}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "lab"))
    return tmp_path


@pytest.fixture
def end_with(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return a function that makes the trial end with an exit code, without training it."""

    def end(code: int) -> None:
        lab = Lab.open(folder / "lab")
        run = lab.new_run(resolve(compose(["architecture=mlp"])).as_dict())
        monkeypatch.setattr(single, "train", lambda *_, **__: (code, run))

    return end


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (
            errors.INTERRUPTED,
            KeyboardInterrupt,
            "after epoch 0 of 10; the same call continues",
        ),
        (errors.TERMINATED, TerminatedError, "143"),
        (
            errors.LOCKED,
            errors.InputError,
            "trial must be idle, got .*, which another process",
        ),
        (137, errors.TrialError, r"killed by SIGKILL \(out of memory\?\) after epoch 0"),
        (3, errors.TrialError, "ended with exit status 3 after epoch 0"),
    ],
)
def test_exit_codes_are_raised_as_exceptions(
    end_with: Callable[[int], None], code: int, kind: type[BaseException], words: str
) -> None:
    end_with(code)
    with pytest.raises(kind, match=words):
        ablab.train()


def test_faults_are_raised_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(errors.InputError) as caught:
        ablab.train(activation="gelo", optimizer={"lr": -1}, batch_size="0")
    messages = str(caught.value).splitlines()
    assert [line.split(" ")[0] for line in messages] == ["activation", "optimizer.lr", "batch_size"]
    assert "got '0'" in messages[2]
    assert capsys.readouterr() == ("", "")
    assert not (folder / "lab").exists()


@pytest.mark.parametrize("given", ["mine", ["mine"]])
def test_modules_are_allowed_for_one_call(
    end_with: Callable[[int], None], given: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_with(errors.FINISHED)
    inner, seen = single.train, []
    monkeypatch.setenv("ABLAB_ALLOW", "other")
    monkeypatch.setattr(
        single,
        "train",
        lambda *a, **b: (seen.append(os.environ["ABLAB_ALLOW"]), inner(*a, **b))[1],
    )
    ablab.train(allow=given)
    assert seen == ["other,mine"]
    assert os.environ["ABLAB_ALLOW"] == "other"


@pytest.mark.slow
def test_trial_equals_that_of_the_command_and_the_process_is_unchanged(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(5)
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    state = torch.get_rng_state()
    trial = ablab.train(trainer={"max_epochs": 2}, **MLP)
    assert "epoch 2/2" in capfd.readouterr().out
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before
    assert torch.equal(torch.get_rng_state(), state)

    assert cli.main(["train", "architecture=mlp", "trainer.max_epochs=2", "--offline"]) == 0
    assert f"{100 * trial.metrics['test/accuracy']:.2f} %" in capfd.readouterr().out
    fresh = ["--fresh", "--offline"]
    assert cli.main(["train", "architecture=mlp", "trainer.max_epochs=2", *fresh]) == 0
    runs = Lab(folder / "lab").runs(trial.key)
    assert len(runs) == 2
    assert runs[1].completion is not None
    assert runs[1].completion.metrics == trial.metrics  # bit for bit

    assert trial.outcome == "finished"
    assert trial.folder == runs[0].folder
    assert trial.config["trainer"]["max_epochs"] == 2
    assert list(trial.curves.epoch) == [1, 2]
    assert trial.curves.val_accuracy.max() == trial.metrics["val/accuracy"]
    assert trial.curves.seconds.is_monotonic_increasing
    html = trial._repr_html_()
    assert f"{100 * trial.metrics['test/accuracy']:.2f} %" in html
    assert "<script" not in html


@pytest.mark.slow
def test_trial_is_trained_quietly_from_another_thread(capfd: pytest.CaptureFixture[str]) -> None:
    results: list[TrialResult] = []

    def run() -> None:
        results.append(ablab.train(trainer={"max_epochs": 1}, quiet=True, **MLP))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert results[0].outcome == "finished"
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_failure_is_raised_with_its_reason(folder: Path) -> None:
    (folder / "conf/activation").mkdir(parents=True)
    (folder / "conf/activation/mine.yaml").write_text("# mine\n_target_: mine_of_api.Mine\n")
    source, guard = folder / "mine_of_api.py", "import os\n"
    failing = "if os.environ.get('FAILS'): raise KeyError('no unit <b>')\n        return x"
    source.write_text(guard + USERS.format(body=failing))
    options = {**MLP, "activation": "mine", "allow": "mine_of_api", "quiet": True}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setenv("PYTHONPATH", str(folder))
        patch.setattr("ablab.training.single._notes", _fail_from_now_on)
        with pytest.raises(errors.TrialError, match="got KeyError: 'no unit <b>'; see "):
            ablab.train(trainer={"max_epochs": 1}, **options)
        os.environ.pop("FAILS")


def _fail_from_now_on(_trial: object) -> list[str]:
    os.environ["FAILS"] = "1"  # the trial's process has it, the dry run before has not
    return []


@pytest.mark.slow
def test_ctrl_c_stops_after_the_epoch_and_the_same_call_continues() -> None:
    def stop() -> None:
        journals = list(Path("lab").glob("trials/*/*/journal.jsonl"))
        while not over.is_set():
            journals = list(Path("lab").glob("trials/*/*/journal.jsonl"))
            if journals and journals[0].read_text().count('"epoch"') > 2:
                os.kill(os.getpid(), signal.SIGINT)
                return
            over.wait(0.05)

    over, handler = threading.Event(), signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=stop)
    thread.start()
    options = {"trainer": {"max_epochs": 40}, "quiet": True, **MLP}
    try:
        with pytest.raises(KeyboardInterrupt, match=r"stopped after epoch \d+ of 40"):
            ablab.train(**options)
    finally:
        over.set()
        thread.join()
    assert signal.getsignal(signal.SIGINT) is handler
    (journal,) = Path("lab").glob("trials/*/*/journal.jsonl")
    assert "Ctrl-C, at the end of an epoch" in journal.read_text()
    trial = ablab.train(**options)
    assert len(trial.curves) == 40
    assert [*Path("lab").glob("trials/*/*/journal.jsonl")] == [journal]
