"""Delivery: exactly once, resumable, correct at every moment."""

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from mlflow.utils.validation import _validate_metric_name
from recorded import BEGUN, begin, epoch, finish

from ablab.errors import StoreError
from ablab.tracking import mlflow_log
from ablab.tracking.address import local_folder
from ablab.tracking.completion import COMPLETION
from ablab.tracking.delivery import DeliveryResult, deliver
from ablab.tracking.delivery_state import RUNS, write_states
from ablab.tracking.files import DamagedError, file_sha256
from ablab.tracking.journal import Entry, Journal, JournalError
from ablab.tracking.lab import Lab
from ablab.tracking.mlflow_names import valid_name
from ablab.tracking.mlflow_runs import RunDeletedError
from ablab.tracking.records import record_of
from ablab.tracking.run import Run
from ablab.tracking.store import Store


def send(run: Run, store: Store, experiment: str = "activations", **tags: str) -> DeliveryResult:
    return deliver(run, store, experiment, name="relu · seed 3", tags={"sweep": "s"} | tags)


def get_mlflow_run(store: Store, delivered: DeliveryResult) -> Any:
    return store.client.get_run(delivered.run_id)


def content(store: Store, delivered: DeliveryResult) -> dict[str, Any]:
    """Everything in an MLflow run: every point ever logged, params, tags, status, files."""
    mlflow_run = get_mlflow_run(store, delivered)
    points = {
        name: sorted(
            (p.step, p.timestamp, repr(p.value))
            for p in store.client.get_metric_history(delivered.run_id, name)
        )
        for name in mlflow_run.data.metrics
    }
    folder = local_folder(mlflow_run.info.artifact_uri)
    assert folder is not None
    files = {str(f.relative_to(folder)): file_sha256(f) for f in folder.rglob("*") if f.is_file()}
    return {
        "points": points,
        "params": dict(mlflow_run.data.params),
        "tags": dict(mlflow_run.data.tags),
        "info": (
            mlflow_run.info.run_name,
            mlflow_run.info.status,
            mlflow_run.info.start_time,
            mlflow_run.info.end_time,
        ),
        "files": files,
    }


def mlflow_runs(store: Store, experiment: str = "activations") -> list[Any]:
    found = store.find_experiment(experiment)
    return list(store.client.search_runs([found.experiment_id])) if found else []


@contextmanager
def locked(run: Run) -> Iterator[None]:
    """Hold the run's lock in another process."""
    code = (
        "import sys; from filelock import FileLock; lock = FileLock(sys.argv[1]); lock.acquire();"
        "print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(run.folder / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            process.kill()


def test_repeating_changes_nothing(store: Store, make_finished: Callable[..., Run]) -> None:
    run = make_finished()
    first = send(run, store)
    before = content(store, first)
    assert first.complete
    assert send(run, store) == first
    assert content(store, first) == before
    assert len(mlflow_runs(store)) == 1


def test_each_epoch_is_one_point_with_the_journals_time(lab: Lab, store: Store) -> None:
    run = begin(lab, epochs=1)
    send(run, store)
    Journal(run.journal).append(epoch(1))
    points = content(store, send(run, store))["points"]
    stamp = round(BEGUN * 1000)
    assert points["train/loss"] == [(0, stamp + 1000, "1.0"), (1, stamp + 2000, "0.5")]
    assert points["seconds"] == [(0, stamp + 1000, "0.5"), (1, stamp + 2000, "1.5")]


def test_only_new_entries_are_logged(
    lab: Lab, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin(lab, epochs=5)
    send(run, store)
    Journal(run.journal).append(epoch(5))
    sent = []
    monkeypatch.setattr(mlflow_log.MlflowLog, "_log_points", lambda _, points: sent.extend(points))
    send(run, store)
    assert {step for *_, step in sent} == {5}


@pytest.mark.parametrize("damage", ["absent", "{", "[]", '{"lab": {"activations": {"x": 1}}}'])
def test_the_delivery_state_may_be_lost(
    store: Store, make_finished: Callable[..., Run], damage: str
) -> None:
    run = make_finished()
    first = send(run, store)
    before = content(store, first)
    if damage == "absent":
        (run.folder / RUNS).unlink()
    else:
        (run.folder / RUNS).write_text(damage)
    assert send(run, store) == first
    assert content(store, first) == before


def test_a_kill_at_any_step_duplicates_and_loses_nothing(
    lab: Lab, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ablab.tracking.artifacts.draw", lambda *_: [])
    calls = ("create_run", "log_batch", "set_terminated", "update_run", "log_param")
    steps = Steps(store.client)
    steps.watch(monkeypatch, calls)
    contents: list[dict[str, Any]] = []
    for kill_at in range(100):
        run = begin(lab, epochs=3, key=f"k{kill_at}")
        finish(run)
        steps.left = kill_at
        try:
            send(run, store, "killed")
        except KilledError:
            assert send(run, store, "killed").complete
        else:
            assert kill_at != 1
        contents.append(content(store, send(run, store, "killed")))
        if steps.left > 0:
            break
    assert len(contents) > 10
    assert len(mlflow_runs(store, "killed")) == len(contents)
    for part in ("points", "info"):
        assert all(each[part] == contents[0][part] for each in contents)
    for part in ("params", "tags", "files"):
        assert all(each[part].keys() == contents[0][part].keys() for each in contents)


class KilledError(BaseException):
    """A kill; not an `Exception`, so that no handler catches it."""


class Steps:
    """Kills the delivery after a number of steps that reached the store or the disk."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.left = 0

    def watch(self, monkeypatch: pytest.MonkeyPatch, calls: tuple[str, ...]) -> None:
        for name in calls:
            client = type(self.client)
            monkeypatch.setattr(client, name, self._counted(getattr(client, name)))
        for module in ("mlflow_log", "mlflow_runs"):
            target = f"ablab.tracking.{module}.write_states"
            monkeypatch.setattr(target, self._counted(write_states))

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            result = call(*args, **kwargs)
            self.left -= 1
            if self.left == 0:
                raise KilledError
            return result

        return counted


def test_status_is_running_only_while_a_process_holds_the_lock(lab: Lab, store: Store) -> None:
    run = begin(lab, epochs=1)
    with locked(run):
        mlflow_run = get_mlflow_run(store, send(run, store))
        assert (mlflow_run.info.status, mlflow_run.data.tags["ablab.outcome"]) == (
            "RUNNING",
            "running",
        )
    mlflow_run = get_mlflow_run(store, send(run, store))
    assert (mlflow_run.info.status, mlflow_run.data.tags["ablab.outcome"]) == ("KILLED", "stopped")
    assert "without recording why" in mlflow_run.data.tags["ablab.reason"]
    assert mlflow_run.info.end_time == round((BEGUN + 1) * 1000)


@pytest.mark.parametrize(("kind", "status"), [("failed", "FAILED"), ("stopped", "KILLED")])
def test_a_final_entry_sets_the_status_while_the_process_lives(
    lab: Lab, store: Store, kind: str, status: str
) -> None:
    run = begin(lab, epochs=1)
    Journal(run.journal).append(Entry(kind, BEGUN + 9, note={"error": "no memory"}))
    with locked(run):
        mlflow_run = get_mlflow_run(store, send(run, store))
    assert (mlflow_run.info.status, mlflow_run.data.tags["ablab.reason"]) == (status, "no memory")


def test_a_resumed_run_continues_its_mlflow_run(lab: Lab, store: Store) -> None:
    run = begin(lab, epochs=1)
    Journal(run.journal).append(Entry("failed", BEGUN + 9, note={"error": "no memory"}))
    first = send(run, store)
    Journal(run.journal).append(Entry("attempt", BEGUN + 20))
    with locked(run):
        assert send(run, store) == first
        mlflow_run = get_mlflow_run(store, first)
        assert mlflow_run.info.status == "RUNNING"
        assert "ablab.reason" not in mlflow_run.data.tags
    Journal(run.journal).append(epoch(1))
    finish(run)
    assert send(run, store) == DeliveryResult(first.run_id, True)
    mlflow_run = get_mlflow_run(store, first)
    assert (mlflow_run.info.status, mlflow_run.info.start_time) == ("FINISHED", round(BEGUN * 1000))
    assert mlflow_run.info.end_time == round((BEGUN + 60) * 1000)
    assert len(mlflow_runs(store)) == 1


def test_a_diverged_run_is_finished_and_says_so(lab: Lab, store: Store) -> None:
    run = begin(lab)
    journal = Journal(run.journal)
    journal.append(epoch(0, **{"train/loss": math.nan, "val/loss": math.inf}))
    journal.append(Entry("diverged", BEGUN + 3, 1, note={"reason": "loss is nan"}))
    finish(run, "diverged")
    delivered = send(run, store)
    mlflow_run = get_mlflow_run(store, delivered)
    assert delivered.complete
    assert mlflow_run.info.status == "FINISHED"
    assert mlflow_run.data.tags["ablab.outcome"] == "diverged"
    assert mlflow_run.data.tags["ablab.reason"] == "loss is nan"
    assert math.isnan(mlflow_run.data.metrics["train/loss"])
    assert math.isnan(mlflow_run.data.metrics["val/loss"])
    assert mlflow_run.data.tags["ablab.infinite"] == "val/loss"
    before = content(store, delivered)
    (run.folder / RUNS).unlink()
    send(run, store)
    assert content(store, delivered) == before


def test_params_hold_every_value_of_the_key(lab: Lab, store: Store) -> None:
    many = {f"p{i}": i for i in range(250)}
    run = begin(lab, many=many, text="x" * 7000, empty={})
    params = get_mlflow_run(store, send(run, store)).data.params
    assert {f"many.p{i}" for i in range(250)} <= params.keys()
    assert params["activation"] == "relu"
    assert params["optimizer.lr"] == "0.1"
    assert json.loads(params["optimizer.betas"]) == [0.9, 0.99]
    assert params["optimizer.fused"] == "null"
    assert params["empty"] == "{}"
    assert (params["key"], params["data_hash"]) == (run.key, "d" * 64)
    assert len(params["text"]) == 6000
    assert "[7000 characters, sha256 " in params["text"]
    assert not [name for name in params if name.startswith("devices")]
    assert "completion" not in params


def test_tags_are_those_of_the_attempt_and_the_caller(lab: Lab, store: Store) -> None:
    tags = get_mlflow_run(store, send(begin(lab), store, variant="relu")).data.tags
    expected = {"host": "h", "commit": "c0", "dirty": "false", "variant": "relu", "sweep": "s"}
    assert expected.items() <= tags.items()
    assert tags["ablab.take"] == "a1b2/001"


def test_final_metrics_are_points_of_the_last_epoch(
    store: Store, make_finished: Callable[..., Run]
) -> None:
    points = content(store, send(make_finished(), store))["points"]
    stamp = round((BEGUN + 3) * 1000)
    assert points["test/accuracy"] == [(2, stamp, "0.75")]
    assert points["num_classes"] == [(2, stamp, "2.0")]
    assert points["final/val/accuracy"] == [(2, stamp, "0.2")]
    assert len(points["val/accuracy"]) == 3


def test_completion_is_the_checksum_of_the_record_and_logged_last(
    store: Store, make_finished: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_finished()
    weights = run.folder / "last.safetensors"
    weights.write_bytes(b"other")
    with pytest.raises(StoreError, match=r"last.safetensors must be as the completion record"):
        send(run, store)
    (mlflow_run,) = mlflow_runs(store)
    assert "completion" not in mlflow_run.data.params
    weights.write_bytes(b"wghts")
    params = get_mlflow_run(store, send(run, store)).data.params
    assert params["completion"] == file_sha256(run.folder / COMPLETION)


def test_artifacts_are_links_without_the_checkpoint(
    store: Store, make_finished: Callable[..., Run]
) -> None:
    run = make_finished()
    mlflow_run = get_mlflow_run(store, send(run, store))
    folder = local_folder(mlflow_run.info.artifact_uri)
    assert folder is not None
    assert (folder / "test_correct.npy").samefile(run.folder / "test_correct.npy")
    names = {str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file()}
    assert {"config.yaml", "journal.jsonl", "completion.json"} <= names
    assert {"pictures/learning_curves.png", "pictures/confusion_matrix.png"} <= names
    assert "last.ckpt" not in names


def test_artifacts_are_copied_without_hard_links(
    store: Store, make_finished: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError("no links")

    monkeypatch.setattr("os.link", refuse)
    run = make_finished()
    folder = local_folder(get_mlflow_run(store, send(run, store)).info.artifact_uri)
    assert folder is not None
    assert not (folder / "log.txt").samefile(run.folder / "log.txt")
    assert (folder / "log.txt").read_text() == "begun\n"


def test_a_failed_run_has_its_log(lab: Lab, store: Store) -> None:
    run = begin(lab, epochs=1)
    Journal(run.journal).append(Entry("failed", BEGUN + 9, note={"error": "x"}))
    files = content(store, send(run, store))["files"]
    assert files.keys() == {"config.yaml", "environment.json", "journal.jsonl", "log.txt"}


def test_a_second_experiment_has_a_mirror(store: Store, make_finished: Callable[..., Run]) -> None:
    run = make_finished()
    own = send(run, store)
    mirror = send(run, store, "poolings")
    assert mirror.run_id != own.run_id
    assert get_mlflow_run(store, mirror).data.tags["mirror_of"] == own.run_id
    assert send(run, store) == own
    assert "mirror_of" not in get_mlflow_run(store, own).data.tags
    assert content(store, mirror)["points"] == content(store, own)["points"]
    (run.folder / RUNS).unlink()
    assert (send(run, store, "poolings"), send(run, store)) == (mirror, own)
    assert get_mlflow_run(store, mirror).data.tags["mirror_of"] == own.run_id
    assert "mirror_of" not in get_mlflow_run(store, own).data.tags


def test_a_run_that_the_user_deleted_is_reported(
    store: Store, make_finished: Callable[..., Run]
) -> None:
    run = make_finished()
    deleted = send(run, store)
    store.client.delete_run(deleted.run_id)
    for _ in range(2):
        with pytest.raises(RunDeletedError) as error:
            send(run, store)
        assert error.value.run_id == deleted.run_id
        (run.folder / RUNS).unlink(missing_ok=True)
    assert not mlflow_runs(store)


def test_a_deleted_experiment_is_restored(
    lab: Lab, store: Store, make_finished: Callable[..., Run]
) -> None:
    run = make_finished()
    first = send(run, store)
    store.client.delete_experiment(store.find_experiment("activations").experiment_id)
    assert send(run, store) == first
    assert "restored" in store.notices[0]
    store.client.delete_experiment(store.find_experiment("activations").experiment_id)
    assert send(begin(lab, key="other"), store).run_id != first.run_id
    assert len(mlflow_runs(store)) == 2


def test_another_labs_run_of_the_same_trial_has_its_own_mlflow_run(
    store: Store, make_finished: Callable[..., Run], tmp_path: Path
) -> None:
    first = send(make_finished(), store)
    other = Lab.open(tmp_path / "other").new_run({"key": "a1b2", "config": {}, "choices": {}})
    Journal(other.journal).append(Entry("attempt", BEGUN + 7))
    assert send(other, store).run_id != first.run_id


def test_a_run_without_entries_has_no_mlflow_run(lab: Lab, store: Store) -> None:
    assert send(lab.new_run({"key": "k"}), store) == DeliveryResult(None, False)
    assert not mlflow_runs(store)


def test_an_incomplete_last_line_is_ignored(lab: Lab, store: Store) -> None:
    run = begin(lab, epochs=1)
    with run.journal.open("a") as stream:
        stream.write(epoch(1).encode()[:40])
    assert len(content(store, send(run, store))["points"]["train/loss"]) == 1


def test_a_damaged_journal_is_an_error(lab: Lab, store: Store) -> None:
    run = begin(lab, epochs=2)
    run.journal.write_bytes(run.journal.read_bytes().replace(b"train", b"brain", 1))
    with pytest.raises(JournalError, match="checksum"):
        send(run, store)


def test_the_first_entry_of_an_epoch_counts(lab: Lab, store: Store) -> None:
    run = begin(lab, epochs=1)
    later = Entry("epoch", BEGUN + 77, 0, epoch(0).metrics, {"seconds": 9.0})
    with run.journal.open("a") as stream:
        stream.write(later.encode())
    assert len(content(store, send(run, store))["points"]["seconds"]) == 1


def test_two_processes_create_one_mlflow_run(lab: Lab, store: Store) -> None:
    run = begin(lab, epochs=3)
    finish(run)
    code = (
        "import sys; from pathlib import Path; from ablab.tracking.lab import Lab;"
        "from ablab.tracking.run import Run;"
        "from ablab.tracking.store import Store; from ablab.tracking.delivery import deliver;"
        "store = Store.open(Lab.open(Path(sys.argv[1])));"
        "deliver(Run(Path(sys.argv[2])), store, 'activations', name='n', tags={})"
    )
    command = [sys.executable, "-c", code, str(lab.root), str(run.folder)]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    (mlflow_run,) = mlflow_runs(store)
    points = store.client.get_metric_history(mlflow_run.info.run_id, "train/loss")
    assert [p.step for p in points] == [0, 1, 2]


@pytest.mark.parametrize("when", range(6))
def test_a_trial_that_ends_during_a_delivery_is_never_shown_as_killed(
    lab: Lab, store: Store, monkeypatch: pytest.MonkeyPatch, when: int
) -> None:
    """The trial finishes and releases its lock before the n-th read of the delivery."""
    run = begin(lab, epochs=2)
    writer, reads = _Writer(run), iter(range(100))
    for name in ("is_locked", "completion", "entries"):
        monkeypatch.setattr(Run, name, _ending(getattr(Run, name), writer, reads, when))
    mlflow_run = get_mlflow_run(store, send(run, store))
    assert writer.has_ended or when > 2
    assert mlflow_run.info.status in ("FINISHED", "RUNNING")
    assert (mlflow_run.info.status == "RUNNING") == ("completion" not in mlflow_run.data.params)
    writer.end()
    mlflow_run = get_mlflow_run(store, send(run, store))
    assert (mlflow_run.info.status, mlflow_run.data.tags["ablab.outcome"]) == (
        "FINISHED",
        "finished",
    )


@pytest.mark.parametrize("when", range(6))
def test_a_record_is_consistent(lab: Lab, monkeypatch: pytest.MonkeyPatch, when: int) -> None:
    run = begin(lab, epochs=2)
    writer, reads = _Writer(run), iter(range(100))
    for name in ("is_locked", "completion", "entries"):
        monkeypatch.setattr(Run, name, _ending(getattr(Run, name), writer, reads, when))
    record = record_of(run)
    assert record.outcome in ("running", "finished")
    assert (record.outcome == "finished") == (record.metrics.get("test/accuracy") == 0.75)
    assert run.status() in ("running", "finished")


class _Writer:
    """A trial in this process that holds the lock of its run until it ends."""

    def __init__(self, run: Run) -> None:
        self.run, self.has_ended = run, False
        self._lock = FileLock(run.folder / "lock", is_singleton=False)
        self._lock.acquire()

    def end(self) -> None:
        if not self.has_ended:
            self.has_ended = True
            finish(self.run)
            self._lock.release()


def _ending(read: Any, writer: _Writer, reads: Iterator[int], when: int) -> Any:
    """Return the method or property; the writer ends before read number ``when``."""
    plain = read.fget if isinstance(read, property) else read

    def called(run: Run) -> Any:
        if next(reads) == when:
            writer.end()
        return plain(run)

    return property(called) if isinstance(read, property) else called


def test_a_replaced_completion_record_has_a_new_mlflow_run(
    store: Store, make_finished: Callable[..., Run]
) -> None:
    run = make_finished()
    first = send(run, store)
    (run.folder / "per_class.csv").write_text("class,recall\na,1.0\nb,0.4\n")
    with pytest.raises(DamagedError, match=r"per_class.csv must be as recorded"):
        send(run, store)
    assert get_mlflow_run(store, first).info.status == "FINISHED"
    finish(run)
    again = send(run, store)
    assert again.complete
    assert again.run_id != first.run_id
    (mlflow_run,) = mlflow_runs(store)
    assert mlflow_run.data.params["completion"] == file_sha256(run.folder / COMPLETION)
    (run.folder / RUNS).unlink()
    assert send(run, store) == again


@pytest.mark.parametrize("name", ["test_correct.npy", "pictures", "per_class.csv", "."])
def test_deleted_artifacts_are_logged_again(
    store: Store, make_finished: Callable[..., Run], name: str
) -> None:
    run = make_finished()
    delivered = send(run, store)
    before = content(store, delivered)
    folder = local_folder(get_mlflow_run(store, delivered).info.artifact_uri)
    assert folder is not None
    deleted = folder / name
    shutil.rmtree(deleted) if deleted.is_dir() else deleted.unlink()
    assert content(store, delivered)["files"] != before["files"]
    assert send(run, store) == delivered
    after = content(store, delivered)
    assert after["files"].keys() == before["files"].keys()
    assert after["points"] == before["points"]


def test_deleted_artifacts_of_a_stopped_run_are_logged_again(lab: Lab, store: Store) -> None:
    run = begin(lab, epochs=1)
    before = content(store, send(run, store))["files"]
    folder = local_folder(get_mlflow_run(store, send(run, store)).info.artifact_uri)
    assert folder is not None
    shutil.rmtree(folder)
    assert content(store, send(run, store))["files"] == before


def test_infinite_metrics_are_never_sorted_first(lab: Lab, store: Store) -> None:
    values = {"a": 0.5, "b": math.inf, "c": -math.inf, "d": math.nan, "e": 0.7}
    for key, value in values.items():
        run = begin(lab, key=key)
        Journal(run.journal).append(epoch(0, **{"val/loss": value}))
        send(run, store)
    for order, best in (("ASC", "a"), ("DESC", "e")):
        experiment = store.find_experiment("activations").experiment_id
        found = store.client.search_runs([experiment], order_by=[f"metrics.`val/loss` {order}"])
        assert found[0].data.tags["key"] == best
    marked = {r.data.tags["key"]: r.data.tags.get("ablab.infinite") for r in mlflow_runs(store)}
    assert marked == {"a": None, "b": "val/loss", "c": "val/loss", "d": None, "e": None}


def test_weights_are_artifacts(store: Store, make_finished: Callable[..., Run]) -> None:
    """MLflow lists files among the artifacts, but not its logged models."""
    mlflow_run = get_mlflow_run(store, send(make_finished(), store))
    assert "last.safetensors" in {
        i.path for i in store.client.list_artifacts(mlflow_run.info.run_id)
    }


NASTY = [
    "plain",
    "sla/sh",
    'it\'s "quoted" `so`',
    "🙂 漢字",
    "nul\0 bell\a esc\x1b[31m",
    "two\nlines",
    os.fsdecode(b"bytes\xff"),
    "\ud800 alone",
    "x" * 10_000,
    "🙂" * 10_000,
    "",
    "' OR 1=1 --",
    "%s {x} ${y}",
]


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_any_text_is_logged(lab: Lab, store: Store, text: str) -> None:
    run = begin(lab, text=text, **{text or "k": 1})
    Journal(run.journal).append(epoch(0, **{f"probe/{text}": 0.25}))
    for _ in range(2):
        done = deliver(run, store, "t", name=text, tags={"note": text, "sweep": text})
    mlflow_run = get_mlflow_run(store, done)
    assert mlflow_run.data.params["text"][:4] == text[:4] or not text.isprintable()
    assert 0.25 in mlflow_run.data.metrics.values()
    assert len(mlflow_runs(store, "t")) == 1


@pytest.mark.parametrize(
    "name",
    ["n" * 300, "with/slash", "it's", 'say "x"', "🙂🙂", "100%", "a`b", "tags.a = 'b'", "漢" * 100],
)
def test_experiments_of_any_name_are_created_once(store: Store, name: str) -> None:
    assert store.experiment(name) == store.experiment(name)
    folder = local_folder(store.find_experiment(name).artifact_location)
    assert folder is not None
    assert store.artifacts is not None
    assert folder.is_relative_to(store.artifacts)


def test_changed_names_stay_distinct() -> None:
    names = ["a*b", "a?b", "a_b", "../x", "x", "/x", "x/", "a//b", "a/b", "", ".", "..", "n" * 251]
    names += ["n" * 252, " x", "\0", "ä", "²"]
    valid = [valid_name(name) for name in names]
    assert len(set(valid)) == len(names)
    for name in valid:
        _validate_metric_name(name)
        assert 0 < len(name) <= 250
    assert valid_name("train/loss") == "train/loss"
