"""A run that another lab finished: downloaded whole and checked, or not at all."""

from pathlib import Path

import pytest
from recorded import begin, finish, trial

from ablab.errors import StoreError
from ablab.tracking.address import local_folder, sqlite_uri
from ablab.tracking.delivery import deliver
from ablab.tracking.lab import Lab
from ablab.tracking.retrieve import find_retrieved, retrieve
from ablab.tracking.run import Run
from ablab.tracking.store import Store


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return sqlite_uri(tmp_path / "team.db")


@pytest.fixture
def theirs(tmp_path: Path, uri: str) -> tuple[Run, str, Path]:
    """A finished run of another lab, its MLflow run, and the folder of the artifacts."""
    lab = Lab.open(tmp_path / "ann")
    run = begin(lab, epochs=3, probes={"gradients": {"every": 1}})
    finish(run)
    store = Store.open(lab, uri, create=True)
    run_id = deliver(run, store, "demo", name="relu", tags={}).run_id
    assert run_id is not None
    folder = local_folder(store.client.get_run(run_id).info.artifact_uri)
    assert folder is not None
    return run, run_id, folder


@pytest.fixture
def mine(tmp_path: Path, uri: str, theirs: object) -> Store:
    return Store.open(Lab.open(tmp_path / "ben"), uri)


def test_a_run_counts_as_if_it_had_been_trained_here(mine: Store, theirs: tuple[Run, str, Path]):
    run, run_id, _ = theirs
    got = retrieve(mine, mine.lab, trial(), "demo", run_id)
    assert mine.lab.finished("a1b2") == got
    assert got.completion == run.completion
    assert got.entries() == run.entries()
    assert (got.folder / "last.safetensors").read_bytes() == b"wghts"
    assert find_retrieved(mine.lab, mine, "a1b2", run_id) == got
    assert [path.name for path in mine.lab.root.iterdir() if path.name.startswith(".")] == []


def test_what_was_watched_is_that_of_the_lab_that_trained(
    mine: Store, theirs: tuple[Run, str, Path]
):
    run, run_id, folder = theirs
    config = folder / "config.yaml"
    assert config.read_text() == "seed: 3\n"
    own = trial(probes={"activations": {}})
    got = retrieve(mine, mine.lab, own, "demo", run_id)
    assert got.trial["config"]["probes"] == {}
    assert got.trial["key"] == run.key


def test_it_is_not_delivered_again(mine: Store, theirs: tuple[Run, str, Path]):
    _, run_id, _ = theirs
    got = retrieve(mine, mine.lab, trial(), "demo", run_id)
    mine.logged.clear()
    done = deliver(got, mine, "demo", name="relu", tags={"host": "ben"})
    assert (done.run_id, done.complete) == (run_id, True)
    assert not mine.logged
    assert "host" not in mine.client.get_run(run_id).data.tags or (
        mine.client.get_run(run_id).data.tags["host"] == "h"
    )


def test_another_experiment_gets_a_mirror(mine: Store, theirs: tuple[Run, str, Path]):
    _, run_id, _ = theirs
    got = retrieve(mine, mine.lab, trial(), "demo", run_id)
    done = deliver(got, mine, "of mine", name="relu", tags={})
    assert done.run_id != run_id
    assert mine.client.get_run(done.run_id).data.tags["mirror_of"] == run_id


def test_an_unfinished_run_of_this_lab_is_kept(mine: Store, theirs: tuple[Run, str, Path]):
    own = begin(mine.lab, epochs=1)
    got = retrieve(mine, mine.lab, trial(), "demo", theirs[1])
    assert (own.number, got.number) == ("001", "002")
    assert mine.lab.finished("a1b2") == got
    assert len(own.entries()) == 2
    assert deliver(got, mine, "demo", name="relu", tags={}).run_id == theirs[1]


@pytest.mark.parametrize("name", ["completion.json", "journal.jsonl", "last.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "other"])
def test_a_run_that_is_not_whole_is_left_out(
    mine: Store, theirs: tuple[Run, str, Path], name: str, damage: str
):
    _, run_id, folder = theirs
    content = (folder / name).read_bytes()
    (folder / name).unlink()
    if damage == "other":
        (folder / name).write_bytes(content[:-2] + b"!\n")
    with pytest.raises(StoreError, match=f"MLflow run {run_id} must hold a whole trial"):
        retrieve(mine, mine.lab, trial(), "demo", run_id)
    assert mine.lab.runs("a1b2") == []
    assert [path.name for path in mine.lab.root.iterdir() if path.name.startswith(".")] == []


def test_a_configuration_that_is_no_yaml_is_no_whole_trial(
    mine: Store, theirs: tuple[Run, str, Path]
):
    (theirs[2] / "config.yaml").unlink()
    (theirs[2] / "config.yaml").write_text("seed: [3")
    with pytest.raises(StoreError, match="must hold a whole trial"):
        retrieve(mine, mine.lab, trial(), "demo", theirs[1])


def test_a_run_that_mlflow_does_not_have_is_named(mine: Store):
    with pytest.raises(StoreError, match="nowhere"):
        retrieve(mine, mine.lab, trial(), "demo", "nowhere")
