"""`ablab ui NAME` refuses what it cannot show before a store is opened or a server starts."""

from pathlib import Path

import pytest

from ablab.cli import main
from ablab.tracking import ui
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell, Part, write_part
from ablab.tracking.spec import Spec


@pytest.fixture
def planned(own_home: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A lab with the plans of two sweeps, and no browser."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    lab = Lab.open(tmp_path / "lab")
    for sweep in ("activations", "demo [trainer.max_epochs=1]"):
        cells, trials = (Cell("relu", 0, "digits", "k0"),), {"k0": {}}
        part = Part("comparison", 1.6e9, "ablab sweep", Spec(), cells, trials)
        write_part(lab.sweep_folder(sweep), part)
    return lab


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["activation"], "got activation; did you mean activations?"),
        (["demos"], "got demos; did you mean demo?"),
        (["xyz"], "got xyz"),
        (["demo", "trainer.max_epochs=2"], "demo [trainer.max_epochs=1]; got demo [trainer."),
    ],
)
def test_an_unknown_sweep_is_refused_with_the_nearest(
    planned: Lab, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main(["ui", *words]) == 2
    error = capsys.readouterr().err
    assert "sweep must be one that was planned: " in error
    assert told in error
    assert not (planned.root / "mlflow.db").exists()


@pytest.mark.skipif("sys.platform != 'linux'", reason="other systems always have a browser")
def test_open_without_a_browser_is_refused(
    planned: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ui", "activations", "--open"]) == 2
    assert "--open must find a web browser" in capsys.readouterr().err
    assert not (planned.root / "mlflow.db").exists()


def test_the_address_of_a_sweep_is_printed_and_opened(
    planned: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BROWSER", "echo")
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.GenericBrowser.open", lambda _, url: opened.append(url))
    monkeypatch.setattr("webbrowser._tryorder", None)
    server = "import http.server, sys; h = http.server.BaseHTTPRequestHandler; "
    server += "h.do_GET = lambda self: (self.send_response(200), self.end_headers()); "
    server += "http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), h).handle_request()"
    monkeypatch.setattr(ui.signal, "signal", lambda *_: None)
    monkeypatch.setattr(ui, "command", lambda _, port: ["python3", "-c", server, str(port)])
    assert main(["ui", "demo", "--open", "--port", "5480"]) == 0
    printed = capsys.readouterr().out
    assert "MLflow shows the sweep demo [trainer.max_epochs=1] at http://127.0.0.1:54" in printed
    assert "viewStateShareKey=ablab" in printed
    assert [address in printed for address in opened] == [True]
