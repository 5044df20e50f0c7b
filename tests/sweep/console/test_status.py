"""`ablab status` finds sweeps by name and reads their state from the disk."""

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from fakes import complete, fail, new_run, trial
from rich.console import Console

from ablab.errors import InputError
from ablab.sweep.console.status import status
from ablab.sweep.job import make_jobs
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell, Part, find_plan, read_plan, write_part
from ablab.tracking.spec import read_spec


def plan(
    lab: Lab, name: str, variants: Sequence[str] = ("a", "b"), seeds: int = 1, command: str = ""
) -> Path:
    folder = lab.sweep_folder(name)
    cells = tuple(Cell(v, s, "b", f"{v}{s}") for v in variants for s in range(seeds))
    question = {
        "question": "Which?",
        "metric": "test/accuracy",
        "seeds": list(range(seeds)),
        "blocks": {"b": {}},
        "variants": {name: {} for name in variants},
    }
    spec = read_spec(question)
    write_part(
        folder,
        Part("comparison", 0.0, command, spec, cells, {c.key: trial(c.key) for c in cells}),
    )
    return folder


def test_sweep_is_found_by_its_name_or_a_unique_prefix(lab: Lab):
    plan(lab, "other [dataset=digits]")
    assert find_plan(lab, "other").sweep == "other [dataset=digits]"
    assert find_plan(lab, "other [dataset=digits]").sweep == "other [dataset=digits]"
    plan(lab, "other")
    assert find_plan(lab, "other").sweep == "other"


def test_unknown_or_ambiguous_name_lists_the_sweeps(lab: Lab):
    with pytest.raises(InputError, match="none yet"):
        find_plan(lab, "mine")
    plan(lab, "mine [a=1]")
    plan(lab, "mine [a=2]")
    with pytest.raises(InputError, match=r"mine \[a=1\], mine \[a=2\]; got mine$"):
        find_plan(lab, "mine")
    with pytest.raises(InputError, match=r"got mine \[a=3\]"):
        find_plan(lab, "mine [a=3]")


def test_jobs_are_ordered_by_seed(lab: Lab):
    found = read_plan(plan(lab, "mine", seeds=2))
    assert found is not None
    assert [job.cell.key for job in make_jobs(found)] == ["a0", "b0", "a1", "b1"]


def test_status_is_shown_while_a_sweep_runs(lab: Lab):
    plan(lab, "mine", ("a", "b", "c", "d"))
    complete(new_run(lab, "a0"))
    running = new_run(lab, "b0")
    fail(new_run(lab, "c0"))
    console = Console(file=io.StringIO(), width=100, height=40)
    with running.lock():
        status("mine", [], console, lab)
    assert isinstance(console.file, io.StringIO)
    output = console.file.getvalue()
    for text in (
        "Which?",
        "90.00 %",
        "0/2",
        "c · seed 0 failed: ValueError: no",
        "1 of 4 done, 1 failed, 1 running, 1 waiting",
    ):
        assert text in output


def test_without_a_name_all_sweeps_are_listed(lab: Lab):
    plan(lab, "mine")
    complete(new_run(lab, "a0"))
    console = Console(file=io.StringIO(), width=100)
    status(None, [], console, lab)
    assert isinstance(console.file, io.StringIO)
    assert "mine" in console.file.getvalue()
    assert "1/2" in console.file.getvalue()


def test_overrides_are_shown_beside_the_question(lab: Lab):
    plan(lab, "mine [dataset=digits]", command="ablab sweep mine dataset=digits sweep.seeds=1")
    for name in ("mine", None):
        console = Console(file=io.StringIO(), width=200)
        status(name, [], console, lab)
        assert isinstance(console.file, io.StringIO)
        assert "Which? (asked with dataset=digits)" in console.file.getvalue()
