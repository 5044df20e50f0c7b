"""The gate: outcomes of variants, conditions, exit codes."""

import json
import shutil
from pathlib import Path

import pytest
from labwriter import LabWriter, rewrite
from scipy import stats

from ablab.cli import main
from ablab.errors import InputError
from ablab.report.compare.change import Change
from ablab.report.compare.gate import FAIL_IF, Gate, decide
from ablab.report.compare.inputs import read_inputs
from ablab.tracking.lab import Lab

BASE = [0.980, 0.981, 0.979, 0.9805, 0.9795]
NOISE = [0.0004, -0.0003, 0.0002, -0.0005, 0.0001]


def shifted(by: float, scale: float = 1.0) -> list[float]:
    return [round(x + by + scale * e, 4) for x, e in zip(BASE, NOISE, strict=True)]


class Labs:
    """Two labs with the same sweep."""

    def __init__(self, root: Path) -> None:
        self.a, self.b = LabWriter(root / "a"), LabWriter(root / "b")
        self.names = ("x", f"{root / 'b'}:x")

    def write(self, a: object, b: object, **spec: object) -> None:
        self.a.sweep(a, name="x", **spec)  # type: ignore[arg-type]
        self.b.sweep(b, name="x", **spec)  # type: ignore[arg-type]
        for record in (self.b.lab.root / "trials").glob("*/*/completion.json"):
            content = json.loads(record.read_text())  # trained apart, one second later
            rewrite(record, content | {"time": content["time"] + 1})

    def gate(self, *fail_if: str, margin: float | None = None) -> Gate:
        return decide(Change(*read_inputs(*self.names, self.a.lab)), fail_if, margin)


@pytest.fixture
def labs(tmp_path: Path) -> Labs:
    return Labs(tmp_path)


def named(gate: Gate) -> dict[str, str]:
    return {outcome.label: outcome.name for outcome in gate.outcomes}


def test_worse_alone_asks_for_non_inferiority(labs: Labs) -> None:
    moves = {"fell": -0.01, "close": -0.001, "rose": 0.01}
    labs.write(
        dict.fromkeys([*moves, "wide"], BASE),
        {
            **{name: shifted(by) for name, by in moves.items()},
            "wide": shifted(-0.001, 20),
        },
    )
    gate = labs.gate("worse", margin=0.002)
    assert named(gate) == {
        "fell": "worse",
        "close": "not worse",
        "rose": "not worse",
        "wide": "undecided",
    }
    assert gate.failed
    assert gate.line.startswith("Gate failed (fail if worse, margin 0.20 points): worse: fell (")
    without = labs.gate("worse", "undecided")
    assert named(without)["close"] == "worse"
    assert named(without)["rose"] == "not worse"


def test_different_asks_for_equivalence(labs: Labs) -> None:
    labs.write(
        {"same": BASE, "rose": BASE, "wide": BASE},
        {
            "same": shifted(0),
            "rose": shifted(0.01),
            "wide": shifted(0, 20),
        },
    )
    gate = labs.gate("different", "undecided", margin=0.002)
    assert named(gate) == {"same": "equivalent", "rose": "better", "wide": "undecided"}
    assert gate.failed
    assert not labs.gate("worse", margin=0.002).failed


def test_the_interval_is_that_of_scipy(labs: Labs) -> None:
    labs.write({"relu": BASE}, {"relu": shifted(-0.01)})
    (outcome,) = labs.gate("worse").outcomes
    low, high = stats.ttest_rel(shifted(-0.01), BASE).confidence_interval()
    assert outcome.reason == f"95 % CI −{-100 * low:.2f} to −{-100 * high:.2f} points"  # noqa: RUF001


def test_variants_are_corrected_together(labs: Labs) -> None:
    """A difference with p = 0.04 counts alone, and not among twenty."""
    noisy = shifted(-0.0004, 0.8)
    assert 0.005 < stats.ttest_rel(noisy, BASE).pvalue < 0.05
    labs.write({"one": BASE}, {"one": noisy})
    assert labs.gate("worse").failed
    others = {f"v{i:02d}": BASE for i in range(19)}
    labs.write({"one": BASE, **others}, {"one": noisy, **dict.fromkeys(others, shifted(0))})
    assert not labs.gate("worse").failed


def test_a_lower_loss_is_better(labs: Labs) -> None:
    labs.write({"relu": BASE}, {"relu": shifted(-0.01)}, goal="min")
    assert named(labs.gate("worse")) == {"relu": "not worse"}
    assert named(labs.gate("different")) == {"relu": "better"}


@pytest.mark.parametrize("condition", FAIL_IF)
def test_the_same_runs_pass_every_condition(labs: Labs, condition: str) -> None:
    labs.write({"relu": BASE}, {"relu": BASE})
    shutil.rmtree(labs.b.lab.root)
    shutil.copytree(labs.a.lab.root, labs.b.lab.root)
    assert named(labs.gate(condition)) == {"relu": "same"}
    assert not labs.gate(condition).failed


def test_equal_values_on_every_seed_are_the_same(labs: Labs) -> None:
    labs.write({"relu": BASE, "few": BASE[:2]}, {"relu": BASE, "few": BASE[:2]})
    gate = labs.gate("different", "undecided")
    assert named(gate) == {"relu": "same", "few": "undecided"}
    assert "few (n = 2, a test needs three pairs)" in gate.line


def test_unfinished_trials_leave_everything_undecided(labs: Labs) -> None:
    labs.write({"relu": BASE, "tanh": BASE}, {"relu": shifted(-0.01), "tanh": [*BASE[:4], None]})
    gate = labs.gate("worse")
    assert not gate.failed
    assert "9 of 10 trials are done" in gate.line
    assert labs.gate("worse", "undecided").failed


def test_what_the_change_broke_or_removed_is_undecided(labs: Labs) -> None:
    """A gate must not pass because the trials that would fail it crashed."""
    labs.write(
        {"crashed": BASE, "removed": BASE, "lost": BASE},
        {"crashed": [*shifted(0.01)[:4], "failed"], "lost": ["failed"] * 5},
    )
    gate = labs.gate("undecided")
    assert named(gate) == dict.fromkeys(("crashed", "lost", "removed"), "undecided")
    assert "crashed (1 pair without a result)" in gate.line
    assert "removed (not in B)" in gate.line


def test_a_crash_does_not_hide_a_worse_result(labs: Labs) -> None:
    labs.write({"relu": BASE}, {"relu": [*shifted(-0.01)[:4], "failed"]})
    assert named(labs.gate("worse")) == {"relu": "worse"}


def test_the_command_ends_with_code_3_and_one_line(
    labs: Labs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ABLAB_HOME", str(labs.a.lab.root))
    labs.write({"relu": BASE}, {"relu": shifted(-0.01)})
    assert main(["compare", *labs.names]) == 0
    assert "Gate" not in capsys.readouterr().out
    assert main(["compare", *labs.names, "--fail-if", "worse,undecided"]) == 3
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("Gate failed (fail if worse or undecided): worse: relu (95 % CI ")
    assert main(["compare", *labs.names, "--fail-if", "undecided", "--margin", "0.002"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("Gate passed (fail if undecided, ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fail-if", "wrose"], "--fail-if must be one of worse, different, undecided, got wrose"),
        (["--fail-if", "worse,"], "--fail-if must be one of worse, different, undecided, got none"),
        (["--margin", "0.1"], "--margin must be given with --fail-if, got 0.1 alone"),
        (["--fail-if", "worse", "--margin", "-1"], "--margin must be a number > 0 in the metric's"),
        (["--fail-if", "worse", "--margin", "nan"], "of an accuracy), got nan"),
    ],
)
def test_wrong_conditions_are_refused(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "x", "y", *options]) == 2
    assert message in capsys.readouterr().err


def test_conditions_of_the_function_are_checked_too(tmp_path: Path) -> None:
    writer = LabWriter(tmp_path)
    writer.sweep({"relu": BASE})
    change = Change(*read_inputs("activations", "activations", Lab(tmp_path)))
    with pytest.raises(InputError, match="--fail-if must be one of"):
        decide(change, ["best"])
