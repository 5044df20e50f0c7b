"""Exported networks equal the original on the test set; otherwise no file stays."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from trained_trials import TRIALS

from ablab import cli
from ablab.data.digits import read
from ablab.errors import InputError
from ablab.inference import export as module
from ablab.inference.export import Comparison, compare, export, export_to_mlflow
from ablab.inference.load import load_model
from ablab.inference.program import FORMS, require_onnx, write_program
from ablab.tracking import model_export
from ablab.tracking.lab import Lab
from ablab.tracking.model_export import read_model, save_model
from ablab.tracking.run import Run
from ablab.tracking.store import Store

SECONDS = 300.0
ONNX = ("onnx", "onnxscript", "onnxruntime")
IMAGES = torch.from_numpy(read()["test_images"])


def program(path: Path) -> Any:
    """Read a program as a user without ablab would."""
    return torch.export.load(path).module()


@pytest.mark.parametrize("name", list(TRIALS))
def test_a_program_equals_the_network(runs: dict[str, Run], name: str, tmp_path: Path) -> None:
    path = tmp_path / "network.pt2"
    comparison = export(runs[name], "torch-export", path)
    assert (comparison.images, comparison.changed) == (360, 0)
    model = load_model(runs[name])
    for images in (IMAGES[:1], IMAGES[:5]):
        torch.testing.assert_close(program(path)(images), model(images))
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        read_back = json.loads(archive.read(next(n for n in names if n.endswith("ablab.json"))))
        pickled = [n for n in names if b"\x80\x02" in archive.read(n)[:64] or n.endswith(".pkl")]
    assert read_back["class_names"] == list("0123456789")
    assert pickled == []


def test_all_images_are_compared_and_the_first_alone() -> None:
    sizes = []

    def exported(images: Tensor) -> Tensor:
        sizes.append(len(images))
        logits = images.clone()
        logits[-1] = torch.tensor([0.0, 5.0])  # the last image of each batch
        return logits

    batches = [torch.tensor([[0.0, 4.0]] * 3), torch.tensor([[3.0, 0.0]] * 2)]
    comparison = compare(lambda x: x, exported, batches)
    assert sizes == [1, 3, 2]
    assert comparison == Comparison(images=5, largest=5.0, scale=4.0, changed=1)
    assert not comparison.is_within_tolerance


def test_nan_is_no_agreement() -> None:
    nan = compare(lambda x: x, lambda x: x * float("nan"), [torch.ones(2, 2)])
    assert not nan.is_within_tolerance


def test_a_difference_is_an_error_and_no_file_stays(
    runs: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suffix, write, read_back = FORMS["torch-export"]
    wrong = {"torch-export": (suffix, write, lambda p: lambda x: read_back(p)(x) + 0.1)}
    monkeypatch.setattr(module, "FORMS", wrong)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match=r"must equal the original, got .* logits 0\.1"):
        export(runs["mlp"], "torch-export", tmp_path / "network.pt2")
    assert sorted(tmp_path.iterdir()) == before


def test_existing_files_and_absent_folders_are_refused(
    runs: dict[str, Run], tmp_path: Path
) -> None:
    path = tmp_path / "mine.pt2"
    path.write_text("mine")
    with pytest.raises(InputError, match="FILE must be a new file"):
        export(runs["mlp"], "torch-export", path)
    assert path.read_text() == "mine"
    with pytest.raises(InputError, match="FILE must lie in a folder that exists"):
        export(runs["mlp"], "torch-export", tmp_path / "absent" / "network.pt2")


def test_the_command_names_the_difference(
    runs: dict[str, Run], capsys: pytest.CaptureFixture[str]
) -> None:
    key = runs["mlp"].key
    assert cli.main(["export", key, "--torch-export"]) == 0
    printed = capsys.readouterr().out
    assert "360 test images: largest difference of the logits" in printed
    assert "0 of 360 predictions changed" in printed
    assert Path(f"{key}.pt2").is_file()
    assert cli.main(["export", key, "--torch-export", "--register", "mine"]) == 2
    assert "--register must be given with --mlflow" in capsys.readouterr().err
    assert cli.main(["export", "--torch-export", key]) == 2
    assert "key must stand before the form" in (error := capsys.readouterr().err)
    assert f"got only {key}, which is taken for FILE" in error


def test_absent_packages_are_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"onnx": object(), "onnxscript": None, "onnxruntime": object()}
    monkeypatch.setattr("ablab.inference.program.find_spec", installed.get)
    with pytest.raises(InputError, match=r'none of onnxscript; .* pip install "ablab\[onnx\]"'):
        require_onnx()


@pytest.mark.slow
@pytest.mark.skipif(not all(map(find_spec, ONNX)), reason="needs ablab[onnx]")
@pytest.mark.parametrize("name", list(TRIALS))
def test_an_onnx_file_equals_the_network(runs: dict[str, Run], name: str, tmp_path: Path) -> None:
    import onnxruntime

    path = tmp_path / "network.onnx"
    assert export(runs[name], "onnx", path).changed == 0
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    model = load_model(runs[name])
    for images in (IMAGES[:1], IMAGES[:5]):
        (got,) = session.run(["logits"], {"images": images.numpy()})
        assert got.dtype == "float32"
        wanted = model(images).float()
        torch.testing.assert_close(torch.from_numpy(got), wanted, rtol=1e-3, atol=1e-4)
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["ablab.class_names"]) == list("0123456789")


def test_a_saved_mlflow_model_names_no_path_of_this_machine(
    runs: dict[str, Run], tmp_path: Path
) -> None:
    program, saved = tmp_path / "network.pt2", tmp_path / "model"
    write_program(load_model(runs["mlp"]), program)
    save_model(saved, program, IMAGES[:1].numpy(), {})
    program.unlink()
    texts = [p.read_text() for p in saved.iterdir() if p.is_file() and p.suffix != ".pt2"]
    assert any("model_code_path: served_model.py" in text for text in texts)
    for folder in (tmp_path, Path(model_export.__file__).parent):
        assert not any(str(folder) in text for text in texts)
    classes = read_model(saved)(IMAGES[:4].numpy())["class"]
    assert list(classes) == load_model(runs["mlp"]).classify(IMAGES[:4])


@pytest.mark.parametrize("name", ["", "a/b", "a:b", "it's", "a\nb"])
def test_invalid_names_of_registered_models_are_refused(runs: dict[str, Run], name: str) -> None:
    with pytest.raises(InputError, match="--register must be a name"):
        export_to_mlflow(runs["mlp"], name)


@pytest.mark.slow
def test_mlflow_serves_a_registered_model_without_pickle(
    lab: Lab, runs: dict[str, Run], tmp_path: Path
) -> None:
    run = runs["mlp"]
    comparison, model_id, version = export_to_mlflow(run, "digits")
    assert (comparison.changed, version) == (0, 1)
    assert export_to_mlflow(run, "digits")[1:] == (model_id, 1)  # repeated, it adds nothing
    store = Store.open(lab)
    logged = store.client.get_logged_model(model_id)
    assert (str(logged.status), logged.tags["key"]) == ("READY", run.key)
    outputs = store.client.get_run(logged.source_run_id).outputs.model_outputs
    assert [output.model_id for output in outputs] == [model_id]
    store.close()
    answer = _serve("models:/digits/1", store.uri, tmp_path, IMAGES[:3].tolist())
    assert [row["class"] for row in answer["predictions"]] == load_model(run).classify(IMAGES[:3])


def _serve(model: str, uri: str, folder: Path, images: list[Any]) -> Any:
    """Return what ``mlflow models serve`` answers for images."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "MLFLOW_TRACKING_URI": uri,
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    command = ["-m", "mlflow", "models", "serve", "-m", model, "--env-manager", "local"]
    with (
        (folder / "serve.log").open("w") as log,
        subprocess.Popen(
            [sys.executable, *command, "-p", str(port)],
            env=os.environ | settings,
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as process,
    ):
        try:
            _wait_for(f"http://127.0.0.1:{port}/ping", process)
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/invocations",
                json.dumps({"inputs": images}).encode(),
                {"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + SECONDS
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            assert process.poll() is None
            assert time.monotonic() < give_up
            time.sleep(0.3)
