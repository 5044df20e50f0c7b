"""How many CPU threads a trial has: a number that is given holds, else the environment's."""

import json

import pytest
import torch

from ablab.config.compose import compose
from ablab.config.threads import cpu_threads, threads_note
from ablab.config.trial import resolve
from ablab.errors import InputError
from ablab.faults import ConfigError
from ablab.tracking.run import ENVIRONMENT
from ablab.training.single import train

SMALL = ["architecture=mlp", "architecture.widths=[8]", "trainer.max_epochs=1", "devices=cpu"]


@pytest.mark.parametrize(
    ("threads", "variable", "expected", "said"),
    [
        ("auto", None, 1, ""),
        ("auto", "1", 1, ""),
        ("auto", "", 1, ""),
        ("auto", "3", 3, "CPU threads: 3, as OMP_NUM_THREADS says."),
        ("auto", "3,2", 3, "CPU threads: 3, as OMP_NUM_THREADS says."),
        (2, None, 2, "CPU threads: 2, as launcher.threads says."),
        (2, "2", 2, "CPU threads: 2, as launcher.threads says."),
        (1, "4", 1, "CPU threads: 1, as launcher.threads says; OMP_NUM_THREADS=4 is passed by."),
    ],
)
def test_a_given_number_holds_else_the_environments(
    monkeypatch: pytest.MonkeyPatch,
    threads: int | str,
    variable: str | None,
    expected: int,
    said: str,
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS")
    if variable is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", variable)
    assert cpu_threads({"threads": threads}) == expected
    assert threads_note({"threads": threads}) == said


@pytest.mark.parametrize("variable", ["many", "0", "-1", "2.5", ",2"])
def test_no_number_of_threads_is_told(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", variable)
    with pytest.raises(InputError, match="OMP_NUM_THREADS must be an integer >= 1, got"):
        cpu_threads({"threads": "auto"})
    with pytest.raises(ConfigError, match="OMP_NUM_THREADS must be an integer >= 1, got"):
        resolve(compose(SMALL))
    assert resolve(compose([*SMALL, "launcher.threads=1"])).key


def test_the_number_is_a_fact_of_the_run_and_said(
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = torch.get_num_threads()
    try:
        _, run = train([*SMALL, "launcher.threads=2"], offline=True)
    finally:
        torch.set_num_threads(before)
    assert json.loads((run.folder / ENVIRONMENT).read_text())["threads"] == 2
    told = "as launcher.threads says; OMP_NUM_THREADS=1 is passed by."
    assert f"CPU threads: 2, {told}" in " ".join(capfd.readouterr().out.split())


def test_sweeps_slots_count_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    from ablab.sweep.launch import slots
    from ablab.sweep.launch.choice import make_launcher

    monkeypatch.setattr(slots, "usable_cpus", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    counted = [
        make_launcher(compose(["devices=cpu", f"launcher.threads={threads}"]).resolved()).slots
        for threads in ("auto", 1)
    ]
    assert counted == [2, 8]
