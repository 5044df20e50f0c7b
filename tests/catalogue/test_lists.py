"""`ablab list` beside components: groups of settings, metrics, sweeps."""

from pathlib import Path

import pytest
import yaml

from ablab import cli
from ablab.catalogue.lists import SETTINGS, describe, list_members
from ablab.config.compose import sweep_names
from ablab.config.groups import AXES
from ablab.faults import ConfigError
from ablab.folders import shipped_folder
from ablab.formatting import unit_of
from ablab.sweep.planning import plan_sweep
from ablab.text import is_accuracy
from ablab.tracking.lab import Lab
from ablab.tracking.metrics import METRICS


def test_all_groups_are_listed_axes_first_and_sweeps_last() -> None:
    names = [name for name, _ in list_members(None)]
    assert names == [*AXES, *SETTINGS, "metric", "sweeps"]
    assert {"data", "trainer", "devices", "probes"} <= set(SETTINGS)


@pytest.mark.parametrize("group", SETTINGS)
def test_a_group_of_settings_is_listed_as_in_its_yamls(group: str) -> None:
    files = {path.stem: path for path in (shipped_folder("conf") / group).glob("*.yaml")}
    nodes = {name: yaml.safe_load(path.read_text("utf-8")) for name, path in files.items()}
    for node in nodes.values():
        node.pop("_target_", None)
    found = dict(list_members(group))
    if len(files) > 1:
        assert set(found) == set(files)
        for name, node in nodes.items():
            first = files[name].read_text("utf-8").splitlines()[0].removeprefix("#").strip()
            assert found[name].splitlines()[0] == first
            assert all(f"{key}=" in found[name] for key in node)
    else:
        (node,) = nodes.values()
        assert set(found) == set(node)
        for key, value in node.items():
            assert yaml.safe_load(found[key].partition("  # ")[0]) == value


def test_settings_and_choices_are_described() -> None:
    assert describe("trainer", "max_epochs") == "trainer.max_epochs=10"
    assert "strategy: ddp" in describe("devices", "ddp_cpu")
    assert "lower is better" in describe("metric", "test/loss")


@pytest.mark.parametrize("name", list(sweep_names()))
def test_a_sweep_is_described_with_its_question_and_trials(name: str) -> None:
    text = describe("sweeps", name)
    node = yaml.safe_load(sweep_names()[name].read_text("utf-8"))["sweep"]
    assert f"question  {node['question']}" in text
    assert describe("sweep", name) == text
    assert f"ablab sweep {name} --dry-run" in text


def test_the_number_of_trials_is_that_of_the_plan(sweeps: Path) -> None:
    head = "# @package _global_\nsweep:\n  question: Which?\n  kind: best\n  seeds: [3, 5, 8]\n"
    body = "  grid: {activation: [relu, tanh]}\n  blocks: {architecture: [lenet5, mlp]}\n"
    (sweeps / "mine.yaml").write_text(head + body)
    text = describe("sweeps", "mine")
    assert f"trials    {len(plan_sweep('mine').cells)}\n" in text
    assert "seeds     3, 5, 8" in text
    drop = "  exclude:\n    - {activation: tanh, architecture: mlp, reason: too slow}\n"
    (sweeps / "mine.yaml").write_text(head + body + drop)
    text = describe("sweeps", "mine")
    assert "trials    12 at most" in text
    assert "activation=tanh, architecture=mlp: too slow" in text


def test_named_variants_are_described_with_their_settings(sweeps: Path) -> None:
    (sweeps / "mine.yaml").write_text(
        "# @package _global_\nsweep:\n  question: Which?\n  baseline: full\n"
        "  variants: {full: {}, fast: {optimizer: sgd, optimizer.lr: 0.5}}\n"
    )
    text = describe("sweeps", "mine")
    assert "variants  full\n          fast: optimizer=sgd, optimizer.lr=0.5\n" in text


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["prob"], "probes"),
        (["devises"], "devices"),
        (["sweep", "dmo"], "demo"),
        (["metric", "test/acuracy"], "test/accuracy"),
        (["metrics", "tests/loss"], "test/loss"),
        (["trainer", "max_epoch"], "max_epochs"),
        (["devices", "ddpcpu"], "ddp_cpu"),
        (["activation", "eluu"], "elu"),
        (["data", "train_image"], "train_images"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(
    words: list[str], near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["list", *words]) == 2
    assert f"(did you mean {near}?)" in capsys.readouterr().err


def test_an_unknown_name_without_a_similar_one_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"axis must be one of .*sweeps.*; got zzz$"):
        list(list_members("zzz"))


def test_a_metrics_unit_agrees_with_the_report() -> None:
    for name, metric in METRICS.items():
        is_share = metric.unit.startswith("share")
        assert (unit_of(name).suffix == " %") == is_share
        if is_accuracy(name):
            assert is_share
            assert metric.goal == ("max" if metric.unit == "share, 0 to 1" else "min")


@pytest.mark.slow
def test_metrics_of_a_finished_trial_and_the_cost_of_a_sweep(
    lab: Lab, sweeps: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sweeps / "mine.yaml").write_text(
        "# @package _global_\nbatch_size: 32\ntrainer: {max_epochs: 2}\ndata: {train_images: 64, "
        "test_noise: [0.1]}\nsweep:\n  question: Which?\n  kind: best\n  seeds: 1\n"
        "  grid: {activation: [relu, tanh]}\n"
    )
    assert cli.main(["sweep", "mine", "--offline"]) == 0
    (run, _) = [run for key in lab.keys() for run in lab.runs(key)]  # noqa: SIM118
    completion = run.completion
    assert completion is not None
    compared = {
        name for name in completion.metrics if name.split("/")[0] in ("train", "val", "test")
    }
    further = {"test/loss_noise_0.1", "test/loss_noise_0.1_last", "test/accuracy_noise_0.1_last"}
    parts = ("train", "val", "test")
    of_epochs = {name for name in METRICS if name.endswith(("_last", "_rise"))}
    own = {name for name in METRICS if name.split("/")[0] in parts}
    assert compared - further == own - {n for n in of_epochs if not n.startswith("test")}
    assert "2 of 2 trials are finished in this lab" in describe("sweeps", "mine")
