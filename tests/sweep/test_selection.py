"""A command that trains a part of the plan: which part, and what becomes of plan and report."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import FakeLauncher, complete, fail, write_epoch
from rich.console import Console

from ablab.cli import main
from ablab.errors import FAILED, FINISHED
from ablab.faults import ConfigError
from ablab.report.reading import reading
from ablab.sweep.engine import run_sweep
from ablab.sweep.job import make_jobs
from ablab.sweep.selection import Selection, parse_selection
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell, Part, Plan, read_plan
from ablab.tracking.run import Run
from ablab.tracking.spec import read_spec

BODY = """# @package _global_
defaults:
  - override /architecture: mlp
sweep:
  question: Which?
  kind: best
  seeds: 3
  grid: {activation: [relu, tanh, elu]}
"""


def part(seeds: range, variants: str = "abcd", kind: str = "comparison") -> Part:
    cells = tuple(Cell(v, s, "b", f"{v}{s}") for s in seeds for v in variants)
    node = {"seeds": [*seeds], "blocks": {"b": {}}, "variants": {v: {} for v in variants}}
    return Part(kind, 0.0, "", read_spec(node), cells, {cell.key: {} for cell in cells})


def keys(selection: Selection, plan: Plan) -> list[str]:
    return [cell.key for cell in selection.cells(plan)]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 12, 17])
def test_shards_cover_the_plan_once_and_have_nearly_equal_sizes(count: int) -> None:
    plan = Plan("mine", (part(range(3)),))
    shards = [keys(Selection(shard=(i + 1, count)), plan) for i in range(count)]
    assert sorted(key for shard in shards for key in shard) == sorted(c.key for c in plan.cells)
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


def test_a_shard_keeps_seeds_together_and_its_cells_when_the_plan_is_extended() -> None:
    plan = Plan("mine", (part(range(4)),))
    first = keys(Selection(shard=(1, 2)), plan)
    assert {key[1] for key in first} == {"0", "1"}
    longer = Plan("mine", (*plan.parts, part(range(4, 6), kind="extension")))
    now = keys(Selection(shard=(1, 2)), longer)
    assert now[: len(first)] == first
    assert {key[1] for key in now[len(first) :]} == {"4"}


def test_names_of_one_key_add_up_and_of_several_keys_all_hold() -> None:
    plan = Plan("mine", (part(range(3)),))
    only = ["variant=a,b", "variant=d", "seed=1"]
    assert keys(parse_selection(only), plan) == ["a1", "b1", "d1"]


def test_a_name_may_hold_a_comma() -> None:
    plan = Plan("mine", (part(range(1), ("a", "widths=[8, 8]")),))  # type: ignore[arg-type]
    assert keys(parse_selection(["variant=widths=[8, 8]"]), plan) == ["widths=[8, 8]0"]


def test_at_most_so_many_trials_are_taken_and_running_ones_are_left_to_others() -> None:
    plan = Plan("mine", (part(range(2)),))
    jobs = make_jobs(plan)
    jobs[0].state = "finished"
    states = dict.fromkeys([job.cell.key for job in jobs[1:]], "new") | {"b0": "running"}
    left = Selection(max_trials=2).jobs(jobs, states)
    assert [job.cell.key for job in left] == ["a0", "c0", "d0"]


def test_failed_trials_alone_can_be_taken() -> None:
    jobs = make_jobs(Plan("mine", (part(range(1)),)))
    states = {"a0": "new", "b0": "failed", "c0": "stopped", "d0": "failed"}
    left = Selection(retry_failed=True, max_trials=1).jobs(jobs, states)
    assert [job.cell.key for job in left] == ["b0"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"only": ["axis=relu"]}, "--only must be variant=NAME, block=NAME or seed=NUMBER, got"),
        ({"only": ["variant="]}, "--only must be variant=NAME"),
        ({"shard": "0/3"}, "--shard must be I/N with 1 <= I <= N, got 0/3"),
        ({"shard": "4/3"}, "--shard must be I/N with 1 <= I <= N, got 4/3"),
        ({"shard": "1"}, "--shard must be I/N with 1 <= I <= N, got"),
        ({"shard": ""}, "--shard must be I/N with 1 <= I <= N, got"),
        ({"shard": 3}, "--shard must be I/N with 1 <= I <= N, got 3"),
        ({"max_trials": "3"}, "--max-trials must be an integer > 0, got"),
        ({"max_trials": 0}, "--max-trials must be an integer > 0, got 0"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_selection(**options)  # type: ignore[arg-type]
    assert message in str(raised.value)


def test_all_faults_are_reported_at_once() -> None:
    with pytest.raises(ConfigError) as raised:
        parse_selection(["x=1"], "2/1", -1)
    assert len(raised.value.faults) == 3


def finish(run: Run) -> int:
    (run.folder / "environment.json").write_text(json.dumps({}))
    write_epoch(run, 0)
    complete(run)
    return 0


Sweep = Callable[..., tuple[int, str]]


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch, sweeps: Path) -> FakeLauncher:
    (sweeps / "mine.yaml").write_text(BODY)
    launcher = FakeLauncher()
    launcher.default = finish
    monkeypatch.setattr("ablab.sweep.engine.make_launcher", lambda _runtime: launcher)
    return launcher


@pytest.fixture
def sweep(launcher: FakeLauncher) -> Sweep:
    def sweep(*overrides: str, dry_run: bool = False, **options: object) -> tuple[int, str]:
        stream = io.StringIO()
        code = run_sweep(
            "mine",
            overrides,
            console=Console(file=stream, width=200),
            offline=True,
            dry_run=dry_run,
            selection=parse_selection(**options),  # type: ignore[arg-type]
        )
        return code, stream.getvalue()

    return sweep


def planned(lab: Lab) -> Plan:
    plan = read_plan(lab.sweep_folder("mine"))
    assert plan is not None
    return plan


def test_a_part_is_trained_and_the_plan_stays_whole(
    sweep: Sweep, launcher: FakeLauncher, lab: Lab
) -> None:
    code, text = sweep(only=["variant=relu,tanh"])
    assert code == FINISHED
    assert "This command trains 6 of the plan's 9 trials; the plan stays whole." in text
    assert "The plan has 3 more trials without a result." in text
    assert "Next: ablab sweep mine\n" in text
    assert len(planned(lab).cells) == 9
    assert reading(lab, "mine").verdict.startswith("No verdict yet: 6 of 9 trials")
    _, text = sweep()
    assert len(launcher.attempts) == 9
    assert text.endswith("Next: ablab report mine\n")


def test_shards_train_everything_once(sweep: Sweep, launcher: FakeLauncher, lab: Lab) -> None:
    _, first = sweep(shard="1/2")
    assert "Next: ablab sweep mine\n" in first
    _, second = sweep(shard="2/2")
    assert second.endswith("Next: ablab report mine\n")
    assert [len(launcher.attempts[cell.key]) for cell in planned(lab).cells] == [1] * 9


def test_the_number_of_trials_of_a_command_is_limited(sweep: Sweep, launcher: FakeLauncher) -> None:
    for expected in (4, 8, 9, 9):
        sweep(max_trials=4)
        assert len(launcher.attempts) == expected


def test_failed_trials_are_trained_again_alone(
    sweep: Sweep, launcher: FakeLauncher, lab: Lab
) -> None:
    launcher.default = fail
    assert sweep(max_trials=2)[0] == FAILED
    launcher.default = finish
    launcher.attempts.clear()
    code, text = sweep(retry_failed=True)
    assert code == FINISHED
    assert list(launcher.attempts) == [job.cell.key for job in make_jobs(planned(lab))[:2]]
    assert "The plan has 7 more trials without a result." in text
    assert "No selected trial has failed." in sweep(retry_failed=True)[1]


def test_an_unknown_name_is_refused_before_the_plan_is_written(sweep: Sweep, lab: Lab) -> None:
    with pytest.raises(ConfigError) as raised:
        sweep(only=["variant=rleu", "seed=7"])
    assert raised.value.faults == (
        "--only variant must be one of elu, relu, tanh; got rleu (did you mean relu?)",
        "--only seed must be one of 0, 1, 2; got 7",
    )
    assert not lab.sweeps()


def test_a_dry_run_shows_the_selected_trials(sweep: Sweep) -> None:
    _, text = sweep(only=["seed=2"], dry_run=True)
    assert text.count("seed 2") == 3
    assert "seed 0" not in text


def test_the_command_passes_its_options_on(
    launcher: FakeLauncher, lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--only", "variant=relu", "--only", "seed=0,1", "--shard", "1/1"]
    assert main(["sweep", "mine", "--offline", "--max-trials", "1", *options]) == 0
    assert [cell.key for cell in planned(lab).cells if lab.finished(cell.key)] == list(
        launcher.attempts
    )
    assert len(launcher.attempts) == 1
    assert main(["sweep", "mine", "--shard", "3/2"]) == 2
    assert "--shard must be I/N" in capsys.readouterr().err
