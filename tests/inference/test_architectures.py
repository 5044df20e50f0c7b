"""Every architecture: loaded with its recorded accuracy, and exported as it computes."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from small_trials import NUM_TEST_IMAGES, architectures, one_of_each_class, overrides, write_data
from train_process import train_in_subprocess

from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.inference.evaluate import evaluate
from ablab.inference.export import export
from ablab.inference.load import finished_run, load_model, trial_data
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.training.recorder import to_short_float

ONNX = ("onnx", "onnxscript", "onnxruntime")
ARCHITECTURES = architectures()
Trained = Callable[[str], Run]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """Train the trial of an architecture, once."""
    folder = tmp_path_factory.mktemp("architectures")
    write_data(folder)
    runs: dict[str, Run] = {}

    def run_of(name: str) -> Run:
        if name not in runs:
            run = lab.new_run(resolve(compose(overrides(name))).as_dict())
            assert train_in_subprocess(run) == 0, (run.folder / "log.txt").read_text()
            runs[name] = finished_run(lab, run.key)
        return runs[name]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ABLAB_HOME", str(folder / "lab"))
        patch.setenv("OMP_NUM_THREADS", "1")
        for name in ("ABLAB_ALLOW", "ABLAB_DATA", "MLFLOW_TRACKING_URI"):
            patch.delenv(name, raising=False)
        patch.chdir(folder)
        lab = Lab.open(folder / "lab")
        yield run_of


@pytest.fixture(autouse=True)
def _restored_settings() -> Iterator[None]:
    """Undo what `evaluate` sets in this process."""
    threads, was_on = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(was_on)


def test_there_are_architectures() -> None:
    assert "lenet5" in ARCHITECTURES


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_trained_network_repeats_its_record(trained: Trained, name: str) -> None:
    run = trained(name)
    result = evaluate(run)
    assert result.images == NUM_TEST_IMAGES
    assert result.recorded == result.metrics
    model, data = load_model(run), trial_data(run)
    labels = torch.cat([y for _, y in data.test_dataloader()])
    predicted = torch.cat([model(pixels).argmax(1) for pixels in data.test_pixels()])
    if "mixed" not in run.trial["config"]["trainer"]["precision"]:
        share = (predicted == labels).double().mean()
        assert to_short_float(share) == result.recorded["test/accuracy"]


@pytest.mark.parametrize("name", one_of_each_class())
def test_an_exported_program_equals_the_network(
    trained: Trained, name: str, tmp_path: Path
) -> None:
    comparison = export(trained(name), "torch-export", tmp_path / "network.pt2")
    assert comparison.changed == 0


@pytest.mark.skipif(not all(map(find_spec, ONNX)), reason="needs ablab[onnx]")
@pytest.mark.parametrize("name", one_of_each_class())
def test_an_onnx_file_equals_the_network(trained: Trained, name: str, tmp_path: Path) -> None:
    comparison = export(trained(name), "onnx", tmp_path / "network.onnx")
    assert comparison.changed == 0
