"""Ends of a training process: signals, locks, failures, divergence, and the journal's entries."""

import errno
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import train_process
from forked import server
from train_process import kinds, results, train_in_subprocess, wait_until

from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.tracking.completion import read_completion
from ablab.tracking.lab import Lab
from ablab.tracking.records import record_of
from ablab.tracking.run import CHECKPOINT, LOG, Run
from ablab.training.recorder import checkpoint_line


def test_sigterm_exits_with_143_and_training_resumes(begin: Callable[..., Run]) -> None:
    run = begin()
    assert train_in_subprocess(run, train_process.terminated) == 143
    assert kinds(run) == ["attempt", "epoch", "stopped"]
    assert run.entries()[-1].note == {"reason": "SIGTERM"}
    assert run.status() == "stopped"
    assert train_in_subprocess(run) == 0
    assert [epoch for epoch, _ in results(run)["epochs"]] == [0, 1, 2]


def test_sigterm_after_the_completion_changes_nothing(begin: Callable[..., Run]) -> None:
    run = begin()
    assert train_in_subprocess(run, train_process.terminated_after_the_completion) == 0
    assert read_completion(run.folder, thorough=True) is not None
    assert kinds(run)[-1] == "epoch"


def test_one_ctrl_c_stops_after_the_epoch(begin: Callable[..., Run]) -> None:
    run = begin()
    assert train_in_subprocess(run, train_process.interrupted_once, in_sweep=False) == 130
    assert kinds(run) == ["attempt", "epoch", "stopped"]
    assert train_in_subprocess(run) == 0
    assert len(results(run)["epochs"]) == 3


def test_a_second_ctrl_c_stops_at_once(begin: Callable[..., Run]) -> None:
    run = begin()
    assert train_in_subprocess(run, train_process.interrupted_twice, in_sweep=False) == 130
    assert kinds(run) == ["attempt", "epoch", "stopped"]
    assert run.entries()[-1].note == {"reason": "SIGINT"}


def test_in_a_sweep_ctrl_c_is_ignored(begin: Callable[..., Run]) -> None:
    run = begin()
    assert train_in_subprocess(run, train_process.interrupted_twice) == 0
    assert "stopped" not in kinds(run)


def test_stack_is_written_to_the_log_and_training_goes_on(begin: Callable[..., Run]) -> None:
    run = begin()
    assert train_in_subprocess(run, train_process.asked_for_its_stack) == 0
    log = (run.folder / LOG).read_text()
    assert "most recent call first" in log
    assert "in training_step" in log


def test_it_exits_when_its_sweep_has_ended(begin: Callable[..., Run]) -> None:
    run = begin()
    environment = {"ABLAB_HOME": os.environ["ABLAB_HOME"]}
    sweep = server().Process(target=train_process.start_and_wait, args=(run.folder, environment))
    sweep.start()
    wait_until(lambda: kinds(run) == ["attempt"])
    assert run.is_locked()
    sweep.kill()
    sweep.join()
    wait_until(lambda: not run.is_locked())
    assert run.status() == "stopped"


def test_a_second_process_is_refused(begin: Callable[..., Run]) -> None:
    run = begin()
    with run.lock().acquire(timeout=0):
        assert run.status() == "running"
        assert train_in_subprocess(run) == 75
    assert run.entries() == []
    assert {path.name for path in run.folder.iterdir()} == {"trial.json", "lock"}


def test_a_finished_run_is_not_changed(begin: Callable[..., Run]) -> None:
    run = begin("trainer.max_epochs=1")
    assert train_in_subprocess(run) == 0
    before = {p.name: p.stat().st_mtime_ns for p in run.folder.iterdir() if p.suffix}
    assert train_in_subprocess(run) == 0
    after = {p.name: p.stat().st_mtime_ns for p in run.folder.iterdir() if p.suffix}
    assert after.keys() == before.keys()
    assert {n for n in after if after[n] != before[n]} <= {"log.txt"}


def test_the_completion_record_lists_all_files(begin: Callable[..., Run]) -> None:
    run = begin("trainer.max_epochs=1")
    assert train_in_subprocess(run) == 0
    completion = read_completion(run.folder, thorough=True)
    assert completion is not None
    assert completion.outcome == "finished"
    assert completion.artifacts.keys() == {
        "trial.json",
        "config.yaml",
        "journal.jsonl",
        "environment.json",
        "best.safetensors",
        "confusion_matrix.csv",
        "per_class.csv",
        "test_correct.npy",
        "calibration.csv",
        "mistakes.npz",
    }
    assert completion.metadata["train_images"] + completion.metadata["val_images"] == 1437
    assert completion.metadata["test_images"] == 360
    assert completion.measured["time/total_seconds"] > 0
    (epoch,) = [entry for entry in run.entries() if entry.kind == "epoch"]
    assert completion.measured["cpu/utilization"] == epoch.measured["cpu/utilization"] > 0
    environment = record_of(run).environment
    assert environment["slots"] == 3
    assert environment["threads"] == 1
    assert environment["torch"]


PRINTING = """
from torch import nn
class Mine(nn.ReLU):
    def forward(self, x):
        if x.device.type == "cpu":
            print("ein Gru\\u00df")
        return super().forward(x)
"""
RAISING = """
from torch import nn
class Mine(nn.ReLU):
    def forward(self, x):
        if len(x) > 2:  # more than in the dry build
            print("about to raise")
            raise KeyError("no such unit")
        return super().forward(x)
"""


def test_a_component_that_raises_is_reported(begin: Callable[..., Run], mine: Callable) -> None:
    mine(RAISING)
    run = begin("activation=mine")
    assert train_in_subprocess(run) == 1
    last = run.entries()[-1]
    assert (last.kind, last.note["error"]) == ("failed", "KeyError: 'no such unit'")
    assert "forward" in last.note["traceback"]
    log = (run.folder / "log.txt").read_text()
    assert "about to raise" in log
    assert "Traceback" in log
    assert record_of(run).outcome == "failed"
    assert record_of(run).reason == "KeyError: 'no such unit'"


def test_a_component_edited_after_planning_is_refused(
    begin: Callable[..., Run], mine: Callable[[str], Path], lab: Lab
) -> None:
    source = "from torch import nn\nclass Mine(nn.ReLU): pass\n"
    path = mine(source)
    run = begin("activation=mine", "trainer.max_epochs=1")
    path.write_text(source + "# edited\n")
    assert train_in_subprocess(run) == 1
    assert "mine.Mine must be as it was" in run.entries()[-1].note["error"]
    assert kinds(run) == ["attempt", "failed"]
    path.write_text(source)
    assert train_in_subprocess(run) == 0
    assert lab.finished(run.key) == run


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_a_failing_disk_keeps_the_checkpoint_and_training_resumes(
    begin: Callable[..., Run], number: int
) -> None:
    run = begin()
    assert train_in_subprocess(run, partial(train_process.with_a_failing_disk, number)) == 74
    assert kinds(run) == ["attempt", "epoch"]  # not even the reason could be written
    assert run.status() == "stopped"
    assert not list(run.folder.glob(".*"))
    assert os.strerror(number) in (run.folder / "log.txt").read_text()
    line = checkpoint_line(run.folder / CHECKPOINT)
    assert line is not None
    assert line.epoch == 0
    assert train_in_subprocess(run) == 0
    assert [epoch for epoch, _ in results(run)["epochs"]] == [0, 1, 2]


def test_a_limit_on_file_size_is_in_the_journal(begin: Callable[..., Run]) -> None:
    run = begin()
    assert train_in_subprocess(run, train_process.limited_in_size) == 74
    assert kinds(run) == ["attempt", "stopped"]
    reason = run.entries()[-1].note["reason"]
    assert "best.safetensors must be allowed to grow" in reason
    assert "ulimit -f" in reason
    assert {path.name for path in run.folder.iterdir()} == {
        "trial.json",
        "lock",
        "log.txt",
        "journal.jsonl",
        "environment.json",
        "config.yaml",
    }


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files under /proc")
def test_a_limit_on_open_files_is_not_a_failure(begin: Callable[..., Run]) -> None:
    run = begin()
    assert train_in_subprocess(run, train_process.limited_in_files) == 74
    assert kinds(run) == []
    assert train_in_subprocess(run) == 0


def test_a_checkpoint_is_written_only_in_the_lab(begin: Callable[..., Run]) -> None:
    run = begin("trainer.max_epochs=1")
    assert train_in_subprocess(run, train_process.without_a_temporary_folder) == 0


def test_sighup_exits_with_129(begin: Callable[..., Run]) -> None:
    run = begin()
    assert train_in_subprocess(run, train_process.hung_up, in_sweep=False) == 129
    assert run.entries()[-1].note == {"reason": "SIGHUP"}
    assert train_in_subprocess(run, train_process.hung_up) == 0  # in a sweep, the sweep decides


def test_printed_unicode_does_not_fail(begin: Callable[..., Run], mine: Callable) -> None:
    mine(PRINTING)
    run = begin("activation=mine", "trainer.max_epochs=1")
    assert train_in_subprocess(run, train_process.with_ascii_streams) == 0
    assert "ein Gruß" in (run.folder / "log.txt").read_text("utf-8")


def test_a_damaged_journal_fails_and_is_not_changed(begin: Callable[..., Run]) -> None:
    run = begin()
    assert train_in_subprocess(run, train_process.killed_after_the_journal) == -signal.SIGKILL
    content = bytearray(run.journal.read_bytes())
    content[20] ^= 1
    run.journal.write_bytes(content)
    assert train_in_subprocess(run) == 1
    assert run.journal.read_bytes() == content
    assert "must match its checksum" in (run.folder / "log.txt").read_text()


def test_an_incomplete_last_line_is_removed(begin: Callable[..., Run]) -> None:
    run = begin()
    assert train_in_subprocess(run, train_process.killed_after_the_journal) == -signal.SIGKILL
    run.journal.write_bytes(run.journal.read_bytes()[:-10])
    assert train_in_subprocess(run) == 0
    assert [epoch for epoch, _ in results(run)["epochs"]] == [0, 1, 2]


def test_divergence_in_the_first_epoch_is_an_outcome(begin: Callable[..., Run]) -> None:
    run = begin("optimizer=sgd", "optimizer.lr=1e30", "normalization=none")
    assert train_in_subprocess(run) == 0
    assert kinds(run) == ["attempt", "diverged"]
    assert run.entries()[-1].epoch == 0
    assert "NaN or infinite" in run.entries()[-1].note["reason"]
    completion = run.completion
    assert completion is not None
    assert completion.outcome == run.status() == "diverged"
    assert not [name for name in completion.metrics if name.startswith("test/")]
    assert completion.metadata["parameters"] == 1024 * 16 + 16 + 16 * 10 + 10
    assert record_of(run).correct() is None


def test_divergence_in_a_later_epoch_tests_the_best_epoch(begin: Callable[..., Run]) -> None:
    run = begin()
    assert train_in_subprocess(run, train_process.diverging_in_the_second_epoch) == 0
    assert kinds(run) == ["attempt", "epoch", "diverged"]
    completion = run.completion
    assert completion is not None
    assert completion.outcome == "diverged"
    assert completion.metrics["best/epoch"] == 0
    assert 0 < completion.metrics["test/accuracy"] < 1
    assert "test/accuracy_last" not in completion.metrics
    correct = record_of(run).correct()
    assert correct is not None
    assert correct.mean() == pytest.approx(completion.metrics["test/accuracy"], abs=1e-7)


def test_ctrl_c_in_the_last_epoch_finishes(begin: Callable[..., Run]) -> None:
    run = begin("trainer.max_epochs=1")
    assert train_in_subprocess(run, train_process.interrupted_once, in_sweep=False) == 0
    assert run.status() == "finished"


def test_missing_best_weights_fail(begin: Callable[..., Run]) -> None:
    run = begin()
    assert train_in_subprocess(run, train_process.killed_after_the_last_epoch) == -signal.SIGKILL
    (run.folder / "best.safetensors").unlink()
    assert train_in_subprocess(run) == 1
    assert run.completion is None


def test_another_run_does_not_change_the_first(begin: Callable[..., Run], lab: Lab) -> None:
    overrides = [*train_process.SMALL, "trainer.max_epochs=1"]
    first, second = (lab.new_run(resolve(compose(overrides)).as_dict()) for _ in range(2))
    assert train_in_subprocess(first) == train_in_subprocess(second) == 0
    assert results(first) == results(second)
    assert lab.finished(first.key) == second
