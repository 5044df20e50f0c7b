"""MLflow's links of a run: its data set, its model, and the final metrics of that on those."""

from collections.abc import Callable

from recorded import begin, finish

from ablab.tracking.delivery import deliver
from ablab.tracking.delivery_state import RUNS
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.tracking.store import Store


def test_the_data_set_is_an_input_from_the_start(lab: Lab, store: Store) -> None:
    run = begin(lab, dataset={"_target_": "ablab.data.digits.Digits", "fold": 2})
    run_id = deliver(run, store, "trials", name="n", tags={}).run_id
    (used,) = store.client.get_run(run_id).inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("data", "d" * 36)
    assert '"sha256": "' + "d" * 64 in used.dataset.source
    assert '"fold": 2' in used.dataset.source
    assert [(t.key, t.value) for t in used.tags] == [
        ("mlflow.data.context", "train, validation, test")
    ]


def test_a_finished_run_has_one_model_with_its_final_metrics(
    store: Store, make_finished: Callable[..., Run]
) -> None:
    run = make_finished()
    run_id = deliver(run, store, "trials", name="relu: 1/2", tags={}).run_id
    (run.folder / RUNS).unlink()  # a repeated delivery finds what the first one made
    assert deliver(run, store, "trials", name="relu: 1/2", tags={}).run_id == run_id
    mlflow_run = store.client.get_run(run_id)
    (model,) = store.client.search_logged_models([mlflow_run.info.experiment_id])
    assert (model.name, model.source_run_id, model.status) == ("relu_ 1_2", run_id, "READY")
    assert [o.model_id for o in mlflow_run.outputs.model_outputs] == [model.model_id]
    assert len(mlflow_run.inputs.dataset_inputs) == 1
    points = {(m.key, m.value, m.dataset_name, m.dataset_digest) for m in model.metrics}
    assert points == {
        ("test/accuracy", 0.75, "data", "d" * 36),
        ("final/val/accuracy", 0.2, None, None),
    }
    assert len(store.client.get_metric_history(run_id, "test/accuracy")) == 1


def test_an_unfinished_run_has_no_model(lab: Lab, store: Store) -> None:
    run_id = deliver(begin(lab, epochs=2), store, "trials", name="n", tags={}).run_id
    mlflow_run = store.client.get_run(run_id)
    assert store.client.search_logged_models([mlflow_run.info.experiment_id]) == []


def test_a_diverged_run_has_a_model_too(lab: Lab, store: Store) -> None:
    run = begin(lab, epochs=1)
    finish(run, "diverged")
    run_id = deliver(run, store, "trials", name="n", tags={}).run_id
    assert len(store.client.get_run(run_id).outputs.model_outputs) == 1
