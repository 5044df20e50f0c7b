"""scikit-learn baselines in a report: under the table of variants on the same data."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from labwriter import LabWriter, rewrite

from ablab.report.analysis.baselines import with_baselines
from ablab.report.analysis.table import read_table
from ablab.report.build import build_report
from ablab.tracking.baselines import Baselines, Result, identity, write_baselines
from ablab.tracking.plan import read_plan

DATASET = {
    "_target_": "ablab.components.dataset.digits.digits",
    "val_fraction": 0.2,
    "split_seed": None,
}
HASH = "d1a7a"


def result(accuracy: float, title: str = "k-NN", **metadata: Any) -> Result:
    metrics = {"test/accuracy": accuracy, "val/accuracy": accuracy + 0.01}
    return Result(title, "sklearn.X", {"n_neighbors": 5}, "1.9", metrics, 2.0, 1.0, **metadata)


def record(seed: int = 0, data_hash: str = HASH, **config: Any) -> Baselines:
    counts = {"num_classes": 10, "train_images": 9, "val_images": 9, "test_images": 9}
    data = identity({"dataset": DATASET, **config}, data_hash)
    return Baselines("digits", data, seed, counts, {"k_nn": result(0.9)})


def plan(writer: LabWriter, **config: Any) -> str:
    """Write a sweep of two variants whose trials name their data."""
    name = writer.sweep({"relu": [0.5, 0.6, 0.7], "elu": [0.6, 0.7, 0.9]})
    file = writer.lab.sweep_folder(name) / "part-001.json"
    part = json.loads(file.read_text("utf-8"))
    for trial in part["trials"].values():
        trial["config"] |= {"dataset": DATASET} | config
        trial["choices"] = {"dataset": "digits"}
    rewrite(file, part)
    return name


def texts(writer: LabWriter, name: str) -> tuple[str, str]:
    report = build_report(writer.lab, name)
    return report.html.read_text("utf-8"), report.markdown.read_text("utf-8")


def test_the_command_is_named_if_there_are_none(writer: LabWriter) -> None:
    name = plan(writer)
    for text in texts(writer, name):
        assert "No scikit-learn baselines were trained on these images yet" in text
        assert "ablab baselines digits" in text


def test_baselines_follow_the_variants_with_their_settings(writer: LabWriter) -> None:
    name = plan(writer)
    write_baselines(writer.lab.root, record())
    page, twin = texts(writer, name)
    for text in (page, twin):
        positions = [
            text.index(part) for part in ("Variants", "scikit-learn baselines on digits", "k-NN")
        ]
        assert positions == sorted(positions)
        assert "No scikit-learn baselines" not in text
    assert "| k-NN | 90.00 % | 91.00 % | 1 | 2.0 s | n\\_neighbors 5 |" in twin


def test_splits_are_averaged(writer: LabWriter) -> None:
    name = plan(writer)
    write_baselines(writer.lab.root, record(seed=0))
    stopped = result(0.8, converged=False)
    write_baselines(writer.lab.root, replace(record(seed=1), results={"k_nn": stopped}))
    _, twin = texts(writer, name)
    assert (
        "| k-NN | 85.00 % | 86.00 % | 2 | 2.0 s | n\\_neighbors 5; stopped at its limit |" in twin
    )


@pytest.mark.parametrize(
    "other",
    [record(data_hash="other"), record(data={"train_images": 100})],
)
def test_baselines_on_other_data_are_not_shown(writer: LabWriter, other: Baselines) -> None:
    name = plan(writer)
    write_baselines(writer.lab.root, other)
    assert all("No scikit-learn baselines" in text for text in texts(writer, name))


def test_options_that_baselines_do_not_use_are_ignored(writer: LabWriter) -> None:
    name = plan(writer, data={"shuffle": "once", "test_shift": [1], "train_images": None})
    write_baselines(writer.lab.root, record(dataset=DATASET | {"path": "elsewhere"}))
    assert all("scikit-learn baselines on digits" in text for text in texts(writer, name))


def test_each_trial_gets_the_baseline_of_its_own_split(writer: LabWriter) -> None:
    found = read_plan(writer.lab.sweep_folder(plan(writer)))
    assert found is not None
    rows = read_table(writer.lab, found)
    others = replace(record(seed=2, data_hash="other"), results={"k_nn": result(0.1)})
    records = [record(seed=0), replace(record(seed=1), results={"k_nn": result(0.8)}), others]
    name = "baseline/k_nn/test/accuracy"
    for row in with_baselines(found, rows, ["k_nn"], records):
        expected = {0: 0.9, 1: 0.8, 2: math.nan}[row.seed]
        assert row.others[name][0] == pytest.approx(expected, nan_ok=True)


def test_the_command_has_the_overrides_of_the_data(writer: LabWriter) -> None:
    changed = DATASET | {"val_fraction": 0.5, "split_seed": 7}
    name = plan(writer, dataset=changed, data={"train_images": 100, "standardize": True})
    _, twin = texts(writer, name)
    command = "dataset.val_fraction=0.5 dataset.split_seed=7 data.train_images=100"
    assert f"`ablab baselines digits {command}`" in twin


def test_the_title_of_a_baseline_is_escaped(writer: LabWriter, tmp_path: Path) -> None:
    name = plan(writer)
    named = result(0.9, title="<script>x</script> | y")
    write_baselines(writer.lab.root, replace(record(), results={"k_nn": named}))
    page, twin = texts(writer, name)
    assert "<script>x" not in page
    assert "<script" not in twin
    assert r"\| y" in twin
