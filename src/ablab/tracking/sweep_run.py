"""A sweep in MLflow: its experiment, and the parent run with question, verdict and report."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from ablab.errors import StoreError
from ablab.tracking.address import Address
from ablab.tracking.artifacts import artifact_sizes, log_artifacts
from ablab.tracking.delivery_state import stored_runs
from ablab.tracking.files import DamagedError, file_sha256, read_json
from ablab.tracking.mlflow_names import NAME_LENGTH, TAG_LENGTH, shorten
from ablab.tracking.plan import Cell, Plan, TuningCell, read_plan
from ablab.tracking.store import Store
from ablab.tracking.store_errors import translate_errors
from ablab.tracking.sweep_page import (
    NOTE,
    REPORT_FOLDER,
    VERDICT_OF,
    describe_sweep,
    digest,
    results,
)
from ablab.tracking.values import milliseconds

TRIALS = "trials"  # the experiment of trials outside sweeps
REPORT_SHA = "ablab.report"
_FORMS = ("report.*", "*.csv")
_TRIAL = "tags.`ablab.kind` = 'trial'"
_NAMING = ("architecture", "activation", "dataset")


def describe_cell(plan: Plan, cell: Cell) -> tuple[str, dict[str, str]]:
    """Return the name and the tags of the MLflow run of a cell.

    The name is ``relu · seed 3``, followed by the block if the plan has several. A trial of a
    search has a tag ``tuning`` with its number.
    """
    name = cell.label + (f" · {cell.block}" if plan.has_several_blocks else "")
    tags = {"sweep": plan.sweep, "variant": cell.variant, "seed": str(cell.seed)}
    if isinstance(cell, TuningCell):  # in groups of its own where MLflow averages a variant
        tags |= {"variant": f"{cell.variant} (tuning)", "tuning": str(cell.number + 1)}
    return name, tags | {"block": cell.block}


def describe_trial(trial: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the name and the tags of the MLflow run of a trial outside sweeps."""
    seed = str(trial.get("config", {}).get("seed"))
    choices = trial.get("choices", {})
    parts = [str(choices[axis]) for axis in _NAMING if axis in choices]
    return " · ".join((*parts, f"seed {seed}")), {"seed": seed}


def deliver_sweep(store: Store, plan: Plan) -> str:
    """Create or update a sweep's experiment and its one parent run.

    The parent run shows a question, not a process: it is finished from the start.

    Returns:
        The parent run's id.

    Raises:
        StoreError: the store does not answer.
    """
    folder = store.lab.sweep_folder(plan.sweep)
    folder.mkdir(parents=True, exist_ok=True)
    question = plan.asked
    with FileLock(folder / "delivery.lock"), translate_errors(store.address):
        experiment = store.experiment(plan.sweep)
        mlflow_run = _parent(store, experiment)
        if mlflow_run is None:
            tags = {"ablab.kind": "sweep", "sweep": plan.sweep, "question": _tag(question)}
            started = milliseconds(plan.parts[0].time)
            name = shorten(f"sweep {plan.sweep}", NAME_LENGTH)
            mlflow_run = store.client.create_run(experiment, started, tags, name)
            store.logged["runs"] += 1
        run_id = str(mlflow_run.info.run_id)
        if mlflow_run.info.status != "FINISHED":
            store.client.set_terminated(run_id, "FINISHED", milliseconds(plan.parts[-1].time))
        _annotate(store, run_id, question, mlflow_run.data.tags.get("verdict"))
        return run_id


def refresh_page(store: Store, plan: Plan) -> None:
    """Bring the page of a delivered sweep up to date: verdict, question, table of variants.

    Raises:
        StoreError: the store does not answer.
    """
    lock = FileLock(store.lab.sweep_folder(plan.sweep) / "delivery.lock")
    with lock, translate_errors(store.address):
        experiment = store.experiment(plan.sweep)
        parent = _parent(store, experiment)
        if parent is not None:
            describe_sweep(store, plan, experiment, parent)


def deliver_report(store: Store, sweep: str, folder: Path, verdict: str) -> str:
    """Log a sweep's report to its parent run: pages, tables and the verdict.

    Args:
        store: the open store.
        sweep: the sweep's name.
        folder: where the report's files are.
        verdict: the report's verdict, one sentence.

    Returns:
        The parent run's id.

    Raises:
        StoreError: the sweep has no plan, or the store does not answer.
    """
    plan = read_plan(store.lab.sweep_folder(sweep))
    if plan is None:
        raise StoreError(f"sweep must have a plan in the lab, got {sweep}")
    run_id = deliver_sweep(store, plan)
    with translate_errors(store.address):
        mlflow_run = store.client.get_run(run_id)
        log_artifacts(store, mlflow_run, folder, report_files(folder), REPORT_FOLDER)
        _annotate(store, run_id, plan.asked, verdict)
        store.client.set_tag(run_id, VERDICT_OF, digest(results(store.lab, store.label, plan)))
        store.client.set_tag(run_id, REPORT_SHA, report_sha(folder))
    refresh_page(store, plan)
    return run_id


def deliver_written_report(store: Store, plan: Plan) -> None:
    """Log the report that the lab has of a sweep, unless the sweep's parent run has it.

    Raises:
        StoreError: the store does not answer.
        DamagedError: ``report.json`` was changed since it was written.
    """
    folder = store.lab.sweep_folder(plan.sweep) / REPORT_FOLDER
    content = read_json(folder / "report.json")
    if content is None:
        return
    run_id, names = deliver_sweep(store, plan), report_files(folder)
    with translate_errors(store.address):
        mlflow_run = store.client.get_run(run_id)
        sizes = artifact_sizes(store, mlflow_run)
    is_there = all(sizes.get(f"{REPORT_FOLDER}/{n}") == (folder / n).stat().st_size for n in names)
    if is_there and mlflow_run.data.tags.get(REPORT_SHA) == report_sha(folder):
        return
    try:
        verdict = str(content["verdict"]["sentence"])
    except (TypeError, KeyError) as error:
        raise DamagedError(
            f"{folder / 'report.json'} must hold a report, got other content; `ablab report "
            f"{plan.sweep}` writes it again"
        ) from error
    deliver_report(store, plan.sweep, folder, verdict)


def delivered_runs(
    address: Address, experiment: str, store: Store | None = None
) -> tuple[dict[str, str], set[str]]:
    """Return which runs an experiment has completely, and which were deleted there, by one query.

    A deleted experiment counts as empty: delivery restores it with all its runs.

    Args:
        address: of the store.
        experiment: name of the experiment.
        store: the open store; a SQLite file need not be open.

    Returns:
        SHA-256 of the completion record by ``<key>/<run>`` of each complete run; and the names
        of the runs whose MLflow run the user deleted.

    Raises:
        StoreError: the store does not answer.
    """
    complete, active, deleted = dict[str, str](), set[str](), set[str]()
    with translate_errors(address):
        if address.database is not None:
            found = stored_runs(address.database, experiment) if address.database.exists() else []
        else:
            assert store is not None
            found = _served_runs(store, experiment)
    for run, stage, completion in found:
        if stage == "deleted":
            deleted.add(run)
            continue
        active.add(run)
        if completion is not None:
            complete[run] = completion
    return complete, deleted - active


def _served_runs(store: Store, experiment: str) -> list[tuple[str, str, str | None]]:
    """Return what `ablab.tracking.delivery_state.stored_runs` does, of another store."""
    from mlflow.entities import ViewType

    entry, token, found = store.find_experiment(experiment), None, []
    while entry is not None and entry.lifecycle_stage == "active":
        page = store.client.search_runs(
            [entry.experiment_id], _TRIAL, ViewType.ALL, max_results=5000, page_token=token
        )
        found += [
            (
                mlflow_run.data.tags["ablab.take"],
                mlflow_run.info.lifecycle_stage,
                mlflow_run.data.params.get("completion"),
            )
            for mlflow_run in page
        ]
        token = page.token
        if not token:
            break
    return found


def _parent(store: Store, experiment: str) -> Any:
    parents = store.client.search_runs([experiment], "tags.`ablab.kind` = 'sweep'")
    return min(parents, key=lambda each: (each.info.start_time, each.info.run_id), default=None)


def _annotate(store: Store, run_id: str, question: str, verdict: str | None) -> None:
    for name, text in annotation(question, verdict).items():
        store.client.set_tag(run_id, name, text)


def annotation(question: str, verdict: str | None) -> dict[str, str]:
    """Return the tags of a parent run with its question and verdict."""
    if verdict is None:
        return {NOTE: _tag(question)}
    return {NOTE: _tag(f"{question}\n\n**{verdict}**"), "verdict": _tag(verdict)}


def report_files(folder: Path) -> list[str]:
    """Return the names of a report's files."""
    return sorted(file.name for kind in _FORMS for file in folder.glob(kind))


def report_sha(folder: Path) -> str:
    """Return the SHA-256 of a report's files and their names."""
    sums = "".join(name + file_sha256(folder / name) for name in report_files(folder))
    return hashlib.sha256(sums.encode("utf-8", "surrogateescape")).hexdigest()


def _tag(text: str) -> str:
    return shorten(text, TAG_LENGTH)
