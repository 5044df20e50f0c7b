"""CPU threads of a trial: launcher.threads, else OMP_NUM_THREADS."""

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
    ("threads", "variable", "expected", "note"),
    [
        ("auto", None, 1, ""),
        ("auto", "1", 1, ""),
        ("auto", "", 1, ""),
        ("auto", "3", 3, "CPU threads: 3 (from OMP_NUM_THREADS)."),
        ("auto", "3,2", 3, "CPU threads: 3 (from OMP_NUM_THREADS)."),
        (2, None, 2, "CPU threads: 2 (from launcher.threads)."),
        (2, "2", 2, "CPU threads: 2 (from launcher.threads)."),
        (1, "4", 1, "CPU threads: 1 (from launcher.threads; OMP_NUM_THREADS=4 is ignored)."),
    ],
)
def test_launcher_threads_override_the_environment(
    monkeypatch: pytest.MonkeyPatch,
    threads: int | str,
    variable: str | None,
    expected: int,
    note: str,
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS")
    if variable is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", variable)
    assert cpu_threads({"threads": threads}) == expected
    assert threads_note({"threads": threads}) == note


@pytest.mark.parametrize("variable", ["many", "0", "-1", "2.5", ",2"])
def test_invalid_number_of_threads_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", variable)
    with pytest.raises(InputError, match="OMP_NUM_THREADS must be an integer >= 1, got"):
        cpu_threads({"threads": "auto"})
    with pytest.raises(ConfigError, match="OMP_NUM_THREADS must be an integer >= 1, got"):
        resolve(compose(SMALL))
    assert resolve(compose([*SMALL, "launcher.threads=1"])).key


def test_number_of_threads_is_recorded_and_printed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = torch.get_num_threads()
    try:
        _, run = train([*SMALL, "launcher.threads=2"], offline=True)
    finally:
        torch.set_num_threads(before)
    assert json.loads((run.folder / ENVIRONMENT).read_text())["threads"] == 2
    note = "CPU threads: 2 (from launcher.threads; OMP_NUM_THREADS=1 is ignored)."
    assert note in " ".join(capfd.readouterr().out.split())


def test_slots_of_a_sweep_are_cpus_per_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    from ablab.sweep.launch import slots
    from ablab.sweep.launch.choice import make_launcher

    monkeypatch.setattr(slots, "usable_cpus", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    slots_of = [
        make_launcher(compose(["devices=cpu", f"launcher.threads={threads}"]).resolved()).slots
        for threads in ("auto", 1)
    ]
    assert slots_of == [2, 8]
