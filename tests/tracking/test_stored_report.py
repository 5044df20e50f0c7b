"""What the lab's own store has of a report, without MLflow: yes only if nothing has changed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from recorded import begin, finish, trial

from ablab.tracking.address import DATABASE
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell, Part, write_part
from ablab.tracking.spec import Spec
from ablab.tracking.store import Store
from ablab.tracking.stored_report import has_report
from ablab.tracking.sweep_run import deliver_report

VERDICT = "relu beats tanh by 1.20 points"


@pytest.fixture
def folder(lab: Lab, store: Store) -> Path:
    """A report that the store has received."""
    cells = tuple(Cell("relu", seed, "mnist", f"k{seed}") for seed in range(2))
    trials = {cell.key: trial(cell.key) for cell in cells}
    part = Part("comparison", 1.6e9, "ablab sweep s", Spec(question="Which?"), cells, trials)
    write_part(lab.sweep_folder("s"), part)
    finish(begin(lab, epochs=1, key="k0"))
    folder = lab.sweep_folder("s") / "report"
    folder.mkdir()
    (folder / "report.html").write_text("page")
    (folder / "trials.csv").write_text("1")
    deliver_report(store, "s", folder, VERDICT)
    return folder


def test_a_delivered_report_is_there(lab: Lab, folder: Path):
    assert has_report(lab, "s", folder, VERDICT)


def test_another_verdict_file_or_sweep_is_not(lab: Lab, folder: Path):
    assert not has_report(lab, "s", folder, "tanh is better")
    assert not has_report(lab, "other", folder, VERDICT)
    (folder / "report.html").write_text("Page")
    assert not has_report(lab, "s", folder, VERDICT)


def test_a_further_form_is_not(lab: Lab, folder: Path):
    (folder / "report.tex").write_text("1")
    assert not has_report(lab, "s", folder, VERDICT)


def test_a_report_on_other_results_is_not(lab: Lab, folder: Path):
    finish(begin(lab, epochs=1, key="k1"))
    assert not has_report(lab, "s", folder, VERDICT)


def remove_copy(lab: Lab, _store: Store) -> None:
    (copy,) = (lab.root / "artifacts").rglob("trials.csv")
    copy.unlink()


def delete_parent(_lab: Lab, store: Store) -> None:
    experiment = store.experiment("s")
    (parent,) = store.client.search_runs([experiment], "tags.`ablab.kind` = 'sweep'")
    store.client.delete_run(parent.info.run_id)


def delete_experiment(_lab: Lab, store: Store) -> None:
    store.client.delete_experiment(store.experiment("s"))


def change_note(_lab: Lab, store: Store) -> None:
    (parent,) = store.client.search_runs([store.experiment("s")], "tags.`ablab.kind` = 'sweep'")
    store.client.set_tag(parent.info.run_id, "mlflow.note.content", "mine")


def remove_store(lab: Lab, _store: Store) -> None:
    (lab.root / DATABASE).unlink()


@pytest.mark.parametrize(
    "change", [remove_copy, delete_parent, delete_experiment, change_note, remove_store]
)
def test_a_report_that_mlflow_lost_is_not(
    lab: Lab, store: Store, folder: Path, change: Callable[[Lab, Store], None]
):
    change(lab, store)
    assert not has_report(lab, "s", folder, VERDICT)


def test_another_store_is_not_asked(lab: Lab, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert not has_report(lab, "s", folder, VERDICT)
