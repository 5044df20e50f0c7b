"""docs/howto/notebook.ipynb in a fresh kernel, and what else only a kernel can show."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="needs nbclient, of the extra dev")
pytest.importorskip("myst_nb")
pytest.importorskip("ipykernel")

NOTEBOOK = Path(__file__).parents[1] / "docs/howto/notebook.ipynb"
SECONDS = 300

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # Jupyter's own
    pytest.mark.filterwarnings("ignore:.*resource:ResourceWarning"),  # sockets of its client
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def outputs(cell: Any, kind: str) -> list[str]:
    """What a cell shows: its ``stream`` text, or the content of a MIME type."""
    if kind == "stream":  # myst_nb collects all in the first
        texts = [o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stdout"]
        return texts[:1]
    return [o.data[kind] for o in cell.outputs if "data" in o and kind in o.data]


def test_outputs_are_stripped() -> None:
    cells = [c for c in nbformat.read(NOTEBOOK, 4).cells if c.cell_type == "code"]
    assert cells
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)


@pytest.mark.slow
def test_the_notebook_runs_and_shows_what_it_says(site: Path) -> None:
    """Building the site has executed it in a fresh kernel."""
    done = nbformat.read(site / "jupyter_execute/howto/notebook.ipynb", 4)
    cells = [cell for cell in done.cells if cell.cell_type == "code"]
    listing, trial, curves, sweep, result, contrasts, figure, report, comparison = cells
    assert "alpha=1.0" in outputs(listing, "text/html")[0]
    assert "2 of 2 epochs" in outputs(trial, "text/html")[0]
    assert "".join(outputs(trial, "stream")).count("epoch ") == 2
    assert "val_accuracy" in outputs(curves, "text/html")[0]
    assert "9 of 9 done" in outputs(result_of(sweep), "text/html")[0]
    assert "elu" in outputs(result, "text/html")[0]
    assert "Asked with" in outputs(result, "text/html")[0]
    assert "p_holm" in outputs(contrasts, "text/html")[0]
    assert outputs(figure, "image/png")
    assert "report.html" in outputs(report, "text/html")[0]
    assert "trainer.max_epochs" in outputs(comparison, "text/html")[-1]


def result_of(sweep: Any) -> Any:
    """Return the sweep's cell, whose trials are one display and no flood of lines."""
    assert len(outputs(sweep, "text/html")) == 1
    assert len("".join(outputs(sweep, "stream")).splitlines()) < 8
    return sweep


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from jupyter_client.manager import start_new_kernel

    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "lab"))
    manager, client = start_new_kernel(cwd=str(tmp_path))
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


TRAIN = """
import ablab, signal, torch
before = signal.getsignal(signal.SIGINT), torch.get_num_threads(), torch.initial_seed()
trial = ablab.train(architecture="mlp", trainer={"max_epochs": 30}, offline=True)
"""


@pytest.mark.slow
def test_the_stop_button_ends_a_trial_that_goes_on(kernel: Any, tmp_path: Path) -> None:
    manager, client = kernel

    def at_epoch_two(message: Any) -> None:
        if re.search(r"epoch +2/30", message["content"].get("text", "")):
            manager.interrupt_kernel()

    stopped = client.execute_interactive(TRAIN, timeout=SECONDS, output_hook=at_epoch_two)
    assert stopped["content"]["ename"] == "KeyboardInterrupt"
    told = stopped["content"]["evalue"]
    epochs = int(re.search(r"stopped after epoch (\d+) of 30", told)[1])  # type: ignore[index]
    assert 2 <= epochs < 30

    said: list[str] = []
    check = "\nassert before == (signal.getsignal(signal.SIGINT), torch.get_num_threads(), "
    check += "torch.initial_seed())\nprint(trial.outcome, len(trial.curves))"
    again = client.execute_interactive(
        TRAIN + check,
        timeout=SECONDS,
        output_hook=lambda m: said.append(m["content"].get("text", "")),
    )
    assert again["content"]["status"] == "ok", again["content"]
    text = "".join(said)
    assert f"continues after epoch {epochs}:" in text
    assert "finished 30" in text
    assert len(list(tmp_path.glob("lab/trials/*/0*"))) == 1


SWEEP = """
import ablab
grid = {"activation": ["relu", "elu"]}
result = ablab.sweep(
    "activations", dataset="digits", architecture="mlp", trainer={"max_epochs": 200},
    sweep={"seeds": 1, "grid": grid}, offline=True,
)
"""


@pytest.mark.slow
def test_the_stop_button_ends_a_sweep_that_goes_on(kernel: Any) -> None:
    manager, client = kernel
    interrupted: list[str] = []

    def at_an_epoch(message: Any) -> None:  # those that the table happens to show
        html = message["content"].get("data", {}).get("text/html", "")
        if re.search(r"\b([2-9]|\d\d)/200", html) and not interrupted:
            interrupted.append(html)
            manager.interrupt_kernel()

    stopped = client.execute_interactive(SWEEP, timeout=SECONDS, output_hook=at_an_epoch)
    assert stopped["content"]["ename"] == "KeyboardInterrupt"
    assert "was stopped; the same call continues it" in stopped["content"]["evalue"]
    said: list[str] = []
    again = client.execute_interactive(
        SWEEP + "print(result.read().trials.outcome.tolist())",
        timeout=SECONDS,
        output_hook=lambda m: said.append(m["content"].get("text", "")),
    )
    assert again["content"]["status"] == "ok", again["content"]
    assert "['finished', 'finished']" in "".join(said)
