"""The unit in which runs logged a metric: inferred from all values, or stated."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_foreign_report import NAMING, FakeStore, run

from ablab.errors import InputError
from ablab.report.build import write_report
from ablab.report.mlflow.naming import Naming
from ablab.report.mlflow.report import foreign_page
from ablab.report.mlflow.scale import LoggedRange, unit_logged

SMALL, BIG = [0.91, 0.93, 0.92, 0.94, 0.925], [0.95, 0.97, 0.96, 0.98, 0.966]


def logged(*values: float) -> list[LoggedRange]:
    return [LoggedRange(f"run {i}", value, value) for i, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ((0.91, 0.95), "share"),
        ((0.0, 1.0), "share"),
        ((0.0, -0.0), "share"),
        ((0.99, 1.0000001), "share"),  # float32 averages may end slightly above 1
        ((1.0, 1.0), "share"),
        ((0.009, 0.01), "share"),
        ((91.0, 95.0), "percent"),
        ((0.0, 95.0), "percent"),  # 0 is 0 in either
        ((2.0, 100.0), "percent"),
        ((99.0, 100.00001), "percent"),
    ],
)
def test_all_values_together_imply_the_unit(values: tuple[float, ...], unit: str) -> None:
    for order in (values, values[::-1]):
        assert unit_logged("test_acc", logged(*order)) == unit


@pytest.mark.parametrize(
    "values",
    [
        (0.91, 95.0),  # two units
        (0.9, 92.0, 93.0),  # two units, or 0.9 %
        (1.0, 60.0),  # chance among 100 classes, or all correct
        (1.01, 0.5),  # not a share, and hardly per cent
        (1.2, 1.3),
        (-0.1, 0.5),
        (9134.0, 9271.0),  # counts of images
    ],
)
def test_ambiguous_values_need_the_option(values: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match=r"^--unit must .*run 0"):
        unit_logged("test_acc", logged(*values))
    assert unit_logged("test_acc", logged(*values), "none") == "none"


@pytest.mark.parametrize("metric", ["test_acc", "testAccuracy", "val/acc_epoch", "Acc@1", "acc5"])
def test_an_accuracy_is_recognized_by_the_words_of_its_name(metric: str) -> None:
    assert unit_logged(metric, logged(91.0, 95.0)) == "percent"


@pytest.mark.parametrize("metric", ["loss", "err", "error_rate", "accelerate", "acc_loss", "psnr"])
def test_other_metrics_are_taken_as_logged(metric: str) -> None:
    for values in ((0.3, 2.5), (0.8, 1.6), (91.0, 95.0), (-3.0, 0.5)):
        assert unit_logged(metric, logged(*values)) == "none"


@pytest.mark.parametrize("metric", ["f1", "val_auc", "mIoU", "mAP", "top1", "top5", "macroRecall"])
def test_other_proportions_are_taken_as_logged_unless_in_two_units(metric: str) -> None:
    assert unit_logged(metric, logged(0.91, 0.95)) == "none"
    assert unit_logged(metric, logged(91.0, 95.0)) == "none"
    with pytest.raises(InputError, match=f"--unit must say how {metric} was logged"):
        unit_logged(metric, logged(0.91, 95.0))
    assert unit_logged(metric, logged(0.6, 1.4), "percent") == "percent"


@pytest.mark.parametrize(
    ("unit", "values", "got"),
    [
        ("share", (0.9, 91.0), "from 0 to 1, got run 1 91"),
        ("share", (-0.2, 0.9), "from 0 to 1, got run 0 -0.2"),
        ("percent", (91.0, 9100.0), "from 0 to 100, got run 1 9100"),
    ],
)
def test_a_stated_unit_must_fit_all_values(unit: str, values: tuple[float, ...], got: str) -> None:
    with pytest.raises(InputError, match=f"--unit {unit} must fit all values of f1, {got}$"):
        unit_logged("f1", logged(*values), unit)


def runs(small: list[float], big: list[float], metric: str = "test_acc") -> list[Any]:
    made = []
    for model, values in (("small", small), ("big", big)):
        for seed, value in enumerate(values):
            made.append(replace(run(model, seed, None), metrics={metric: value}))
    return made


def report(folder: Path, found: list[Any], curves: Any = None, **changes: str) -> Any:
    naming = Naming(**{**vars(NAMING), **changes})
    made = write_report(foreign_page(FakeStore(found, curves), naming), folder)  # type: ignore[arg-type]
    return made, json.loads(made.json.read_text("utf-8"))


def per_cent(values: list[float]) -> list[float]:
    return [100 * x for x in values]


def test_runs_in_two_units_are_never_compared(tmp_path: Path) -> None:
    """91 % and 0.95 are 4 points apart, not 90."""
    with pytest.raises(InputError) as caught:
        report(tmp_path / "out", runs(per_cent(SMALL), BIG))
    message = str(caught.value)
    assert "5 runs have at most 1 (big · seed 0 (big-0-1.0) 0.95, " in message
    assert "5 runs have more than 1 (small · seed 0 (small-0-1.0) 91, " in message
    assert not (tmp_path / "out").exists()


def test_either_unit_gives_the_same_report(tmp_path: Path) -> None:
    shares, _ = report(tmp_path / "shares", runs(SMALL, BIG))
    percents, content = report(tmp_path / "percents", runs(per_cent(SMALL), per_cent(BIG)))
    assert shares.verdict == percents.verdict
    assert "by 4.02 points" in shares.verdict
    assert any("test_acc was logged in per cent" in note for note in content["notices"])


def test_one_share_slightly_above_1_does_not_change_the_unit(tmp_path: Path) -> None:
    _, content = report(tmp_path, runs(SMALL, [*BIG[:4], 1.0000001]))
    assert content["variants"][0]["mean"] == pytest.approx(np.mean(SMALL))


def test_a_stated_unit_is_used_and_is_in_the_command(tmp_path: Path) -> None:
    small, big = [0.8, 0.9, 1.0, 0.7, 0.9], [1.6, 1.8, 1.9, 1.7, 1.8]
    made, content = report(tmp_path, runs(small, big, "err"), metric="err", unit="percent")
    assert "0.90 points" in made.verdict
    assert content["variants"][0]["mean"] == pytest.approx(0.0086)
    (note,) = [n for n in content["notices"] if n.startswith("err is read")]
    assert "as --unit percent says. 5 runs have at most 1, which is read as 1 % or less" in note
    command = content["provenance"][0]["value"]
    assert command.endswith("--baseline small --unit percent")


def test_runs_that_do_not_count_do_not_affect_the_unit(tmp_path: Path) -> None:
    gone = [run("big", 7, 97.0, status="FAILED"), run("big", 0, 95.0, start=0.5)]
    made, _ = report(tmp_path, runs(SMALL, BIG) + gone)
    assert "by 4.02 points" in made.verdict


@pytest.mark.parametrize(
    ("scale", "unit", "note"),
    [(1.0, "", 0), (100.0, "", 1), (1.0, "share", 0)],
)
def test_the_unit_of_a_curve_is_inferred_from_all_its_values(
    scale: float, unit: str, note: int, tmp_path: Path
) -> None:
    """With many classes, a curve in per cent begins below 1."""
    found = [replace(r, metrics={**r.metrics, "val_acc": 0.9 * scale}) for r in runs(SMALL, BIG)]
    curves = {r.run_id: tuple(scale * x for x in (0.008, 0.4, float("nan"), 0.9)) for r in found}
    made, content = report(tmp_path, found, curves, curve="val_acc", unit=unit)
    assert sum("val_acc was logged in per cent" in n for n in content["notices"]) == note
    assert "at the end small 90.00 %" in made.html.read_text("utf-8")


def test_a_curve_in_another_unit_than_stated_is_refused(tmp_path: Path) -> None:
    found = [
        replace(r, metrics={**r.metrics, "val_acc": 0.9})
        for r in runs(per_cent(SMALL), per_cent(BIG))
    ]
    curves = {r.run_id: (0.3, 0.9) for r in found}
    with pytest.raises(InputError, match=re.escape("got val_acc of at most 0.9; leave it out")):
        report(tmp_path, found, curves, curve="val_acc", unit="percent")


def test_a_curve_is_drawn_beside_a_metric_that_is_not_an_accuracy(tmp_path: Path) -> None:
    found = [replace(r, metrics={**r.metrics, "val_acc": 0.9}) for r in runs(SMALL, BIG, "loss")]
    curves = {r.run_id: (0.3, 0.9) for r in found}
    made, _ = report(tmp_path, found, curves, curve="val_acc", metric="loss", goal="min")
    assert "val_acc, %" in made.html.read_text("utf-8")
