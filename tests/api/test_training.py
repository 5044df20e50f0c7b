"""`ablab.train`: the command's trial, its errors raised, its end told."""

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
def ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let a trial end with an exit code, without training it."""

    def end(code: int) -> None:
        lab = Lab.open(folder / "lab")
        run = lab.new_run(resolve(compose(["architecture=mlp"])).as_dict())
        monkeypatch.setattr(single, "train", lambda *_, **__: (code, run))

    return end


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (errors.INTERRUPTED, KeyboardInterrupt, "stopped after epoch 0 of 10; the same call goes"),
        (errors.TERMINATED, TerminatedError, "143"),
        (errors.LOCKED, errors.InputError, "trial must be idle, got .*, which a process trains"),
        (137, errors.TrialError, r"killed by SIGKILL \(out of memory\?\) after epoch 0"),
        (3, errors.TrialError, "ended with exit status 3 after epoch 0"),
    ],
)
def test_each_end_is_raised(
    ended: Callable[[int], None], code: int, kind: type[BaseException], words: str
) -> None:
    ended(code)
    with pytest.raises(kind, match=words):
        ablab.train()


def test_faults_are_raised_and_nothing_is_made(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(errors.InputError) as caught:
        ablab.train(activation="gelo", optimizer={"lr": -1}, batch_size="0")
    told = str(caught.value).splitlines()
    assert [line.split(" ")[0] for line in told] == ["activation", "optimizer.lr", "batch_size"]
    assert "got '0'" in told[2]
    assert capsys.readouterr() == ("", "")
    assert not (folder / "lab").exists()


@pytest.mark.parametrize("given", ["mine", ["mine"]])
def test_modules_are_allowed_for_one_call(
    ended: Callable[[int], None], given: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended(errors.FINISHED)
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
def test_a_trial_is_the_commands_and_the_callers_process_is_left_alone(
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
    assert f"{trial.metrics['test/accuracy']:.2%}" in capfd.readouterr().out
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
    assert f"{trial.metrics['test/accuracy']:.2%}" in html
    assert "<script" not in html


@pytest.mark.slow
def test_from_another_thread_and_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    found: list[TrialResult] = []

    def work() -> None:
        found.append(ablab.train(trainer={"max_epochs": 1}, quiet=True, **MLP))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found[0].outcome == "finished"
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_failure_is_raised_with_its_reason_and_new_source_is_trained(folder: Path) -> None:
    (folder / "conf/activation").mkdir(parents=True)
    (folder / "conf/activation/mine.yaml").write_text("# mine\n_target_: mine_of_api.Mine\n")
    source, guard = folder / "mine_of_api.py", "import os\n"
    failing = "if os.environ.get('FAILS'): raise KeyError('no unit <b>')\n        return x"
    source.write_text(guard + USERS.format(body=failing))
    options = {**MLP, "activation": "mine", "allow": "mine_of_api", "quiet": True}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setenv("PYTHONPATH", str(folder))
        patch.setattr("ablab.training.single._notes", _failing_from_now_on)
        with pytest.raises(errors.TrialError, match="got KeyError: 'no unit <b>'; see "):
            ablab.train(trainer={"max_epochs": 1}, **options)
        os.environ.pop("FAILS")


def _failing_from_now_on(_trial: object) -> list[str]:
    os.environ["FAILS"] = "1"  # the trial's process has it, the dry run before has not
    return []


@pytest.mark.slow
def test_ctrl_c_ends_with_the_epoch_and_the_same_call_goes_on() -> None:
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
