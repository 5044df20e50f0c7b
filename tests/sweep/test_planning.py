"""Planning a YAML: which trials it defines, which are refused or left out."""

from pathlib import Path

import pytest

from ablab.faults import ConfigError
from ablab.sweep.planning import plan_sweep


def write(folder: Path, body: str) -> None:
    head = "# @package _global_\nsweep:\n  question: Which?\n  kind: best\n"
    (folder / "mine.yaml").write_text(head + body, "utf-8")


def test_every_variant_and_seed_is_a_trial_and_seeds_come_first(sweeps: Path):
    write(sweeps, "  seeds: 2\n  grid: {activation: [relu, tanh]}\n")
    plan = plan_sweep("mine")
    found = [(cell.variant, cell.seed, cell.block) for cell in plan.cells]
    block = "digits · lenet5"
    assert found == [(v, s, block) for s in (0, 1) for v in ("relu", "tanh")]
    assert len(plan.trials) == 4
    for cell in plan.cells:
        trial = plan.trials[cell.key]
        assert trial["config"]["seed"] == cell.seed
        assert trial["choices"]["activation"] == cell.variant
    assert plan.spec.baseline == "relu"


def test_yaml_is_stored_verbatim(sweeps: Path):
    write(sweeps, "  seeds: 1  # é, few\n  grid: {activation: [relu, tanh]}\n")
    text = (sweeps / "mine.yaml").read_text("utf-8")
    assert plan_sweep("mine", ["trainer.max_epochs=1"]).yaml == text


def test_values_are_set_beside_choices(sweeps: Path):
    write(sweeps, "  variants:\n    full: {}\n    fast: {optimizer: sgd, optimizer.lr: 0.5}\n")
    plan = plan_sweep("mine", ["trainer.max_epochs=1"])
    assert plan.sweep == "mine [trainer.max_epochs=1]"
    fast = plan.trials[plan.cells[1].key]["config"]
    assert (fast["optimizer"]["lr"], fast["trainer"]["max_epochs"]) == (0.5, 1)


def test_blocks_repeat_the_comparison(sweeps: Path):
    write(
        sweeps,
        "  grid: {activation: [relu, tanh]}\n  blocks: {architecture: [lenet5, mlp]}\n",
    )
    plan = plan_sweep("mine")
    assert {(c.block, c.variant) for c in plan.cells} == {
        (block, variant) for block in ("lenet5", "mlp") for variant in ("relu", "tanh")
    }


def test_excluded_combinations_are_left_out_with_their_reason(sweeps: Path):
    write(
        sweeps,
        "  grid: {activation: [relu, tanh]}\n"
        "  blocks: {architecture: [lenet5, mlp]}\n"
        "  exclude:\n    - {activation: tanh, architecture: mlp, reason: too slow}\n",
    )
    plan = plan_sweep("mine")
    assert [tuple(e.values()) for e in plan.excluded] == [("tanh", "mlp", "too slow")]
    assert ("tanh", "mlp") not in {(c.variant, c.block) for c in plan.cells}
    assert len(plan.cells) == 3


def test_exclusion_that_matches_nothing_is_refused(sweeps: Path):
    write(
        sweeps,
        "  grid: {activation: [relu, tanh]}\n  exclude:\n"
        "    - {activation: tanh}\n    - {variant: relu}\n    - {activation: elu}\n",
    )
    with pytest.raises(ConfigError) as caught:
        plan_sweep("mine")
    assert [fault.split(" must ")[0] for fault in caught.value.faults] == [
        "sweep.exclude.1",
        "sweep.exclude.2",
    ]


def test_baseline_may_not_be_excluded(sweeps: Path):
    write(sweeps, "  grid: {activation: [relu, tanh]}\n  exclude:\n    - {activation: relu}\n")
    with pytest.raises(ConfigError, match=r"sweep\.exclude must leave the baseline relu"):
        plan_sweep("mine")


def test_axis_that_the_network_never_uses_is_refused(sweeps: Path):
    write(sweeps, "  grid: {pooling: [max, mean]}\n")
    with pytest.raises(ConfigError, match="sweep must vary what mlp uses, got pooling"):
        plan_sweep("mine", ["architecture=mlp"])


def test_two_variants_with_the_same_trial_are_refused(sweeps: Path):
    write(sweeps, "  variants:\n    full: {}\n    same: {activation: relu}\n")
    with pytest.raises(ConfigError, match="got the same for full and same"):
        plan_sweep("mine")


def test_combination_that_cannot_work_is_skipped_with_its_reason(sweeps: Path):
    write(sweeps, "  grid: {optimizer.momentum: [0.9, 0.0], optimizer.nesterov: [false, true]}\n")
    plan = plan_sweep("mine", ["optimizer=momentum"])
    (left_out,) = plan.excluded
    assert left_out["variant"] == "momentum=0.0 · nesterov=True"
    assert "momentum" in left_out["reason"]
    assert len(plan.cells) == 3


def test_baseline_that_cannot_work_is_a_fault(sweeps: Path):
    write(
        sweeps,
        "  baseline: {optimizer.momentum: 0.0, optimizer.nesterov: true}\n"
        "  grid: {optimizer.momentum: [0.9, 0.0], optimizer.nesterov: [false, true]}\n",
    )
    with pytest.raises(ConfigError, match="momentum"):
        plan_sweep("mine", ["optimizer=momentum"])


def test_value_that_fails_in_every_combination_is_a_fault(sweeps: Path):
    write(sweeps, "  grid: {activation: [relu, tanh], optimizer.lr: [0.1, -1]}\n")
    with pytest.raises(ConfigError, match=r"optimizer\.lr must be .*-1"):
        plan_sweep("mine")


def test_grid_value_that_some_components_lack_names_them_and_suggests_variants(sweeps: Path):
    grid = "{optimizer: [sgd, adam], optimizer.momentum: [0.0, 0.9]}"
    write(sweeps, f"  seeds: 1\n  grid: {grid}\n")
    with pytest.raises(ConfigError) as caught:
        plan_sweep("mine")
    (fault,) = caught.value.faults
    assert "got optimizer.momentum" in fault
    assert "(adam · momentum=0.0 in " in fault
    assert "adam · momentum=0.9 in " in fault
    assert "sgd" not in fault
    assert fault.endswith("list under variants: which settings go together)")


@pytest.mark.parametrize(
    ("body", "override", "fault"),
    [
        ("grid: {activation: [relu, rleu]}", "batch_size=64", "did you mean relu"),
        ("grid: {activaton: [relu]}", "batch_size=64", "did you mean activation"),
        ("grid: {optimizer.lrr: [1]}", "batch_size=64", "did you mean optimizer.lr"),
        ("grid: {activation: [relu]}", "activation=elu", "left to the sweep, which varies it"),
        ("grid: {activation: [relu]}", "seed=3", "seed must be left to the sweep"),
    ],
)
def test_unknown_names_are_faults(sweeps: Path, body: str, override: str, fault: str):
    write(sweeps, f"  {body}\n")
    with pytest.raises(ConfigError) as caught:
        plan_sweep("mine", [override])
    assert fault in str(caught.value)


def test_planning_writes_nothing_but_the_data_cache(sweeps: Path, tmp_path: Path):
    write(sweeps, "  grid: {activation: [relu, rleu]}\n")
    with pytest.raises(ConfigError):
        plan_sweep("mine")
    assert {path.name for path in (tmp_path / "lab").glob("*")} <= {"cache"}
