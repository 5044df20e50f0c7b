"""A finished trial tested again: the recorded metrics to the bit; on other data, or a refusal."""

from pathlib import Path

import numpy as np
import pytest
import torch
from trained_trials import TRIALS

from ablab.config.compose import compose
from ablab.data.digits import read
from ablab.errors import InputError
from ablab.faults import ConfigError
from ablab.inference.evaluate import evaluate
from ablab.inference.load import load_model
from ablab.model import build
from ablab.tracking.run import Run


@pytest.fixture(autouse=True)
def _restored_settings() -> object:
    """Undo what `prepare` sets in this process."""
    threads, was_on = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(was_on)


@pytest.mark.parametrize("name", list(TRIALS))
def test_the_recorded_metrics_are_repeated_to_the_bit(runs: dict[str, Run], name: str) -> None:
    result = evaluate(runs[name])
    assert {"test/accuracy", "test/loss"} <= result.recorded.keys()
    assert result.recorded == result.metrics
    assert result.differences == {}
    assert result.images == 360


def test_a_perturbed_test_is_repeated(runs: dict[str, Run]) -> None:
    assert "test/accuracy_noise_0.2" in evaluate(runs["mlp"]).recorded


def test_differences_from_the_record_are_named(runs: dict[str, Run]) -> None:
    result = evaluate(runs["lenet5"])
    recorded = {**result.recorded, "test/loss": result.metrics["test/loss"] + 0.25}
    changed = type(result)(result.metrics, recorded, result.images)
    assert changed.differences == pytest.approx({"test/loss": -0.25})


def shifted_digits(folder: Path, classes: int = 10, size: int = 32) -> Path:
    """The test digits as an .npz file, brighter, so that their own moments are others."""
    digits = read()
    images, labels = digits["test_images"][:, :size, :size], digits["test_labels"]
    images = np.minimum(images.astype(int) + 60, 255).astype(np.uint8)
    kept = labels < classes
    path = folder / "brighter.npz"
    arrays = {f"{part}_images": images[kept] for part in ("train", "test")}
    np.savez(path, **arrays, **{f"{part}_labels": labels[kept] for part in ("train", "test")})
    return path


def test_other_data_are_normalized_as_the_training_images(
    runs: dict[str, Run], tmp_path: Path
) -> None:
    path = shifted_digits(tmp_path)
    result = evaluate(runs["lenet5"], ["dataset=folder", f"dataset.path={path}"])
    arrays = np.load(path)
    predicted = load_model(runs["lenet5"])(arrays["test_images"]).argmax(1)
    expected = float((predicted == torch.from_numpy(arrays["test_labels"])).float().mean())
    assert result.metrics["test/accuracy"] == pytest.approx(expected)
    assert result.recorded == {}
    own = build.datamodule(runs["lenet5"].trial["config"]).statistics[0]
    other = compose(["dataset=folder", f"dataset.path={path}"]).resolved()
    assert build.datamodule(other).statistics[0] != pytest.approx(own, abs=0.05)


def test_other_perturbations_of_the_same_data_are_tested(runs: dict[str, Run]) -> None:
    result = evaluate(runs["lenet5"], ["data.test_shift=[3]", "data.test_images=100"])
    assert {"test/accuracy_shift_3", "test/accuracy"} <= result.metrics.keys()
    assert result.images == 100


def test_another_number_of_classes_is_refused(runs: dict[str, Run], tmp_path: Path) -> None:
    path = shifted_digits(tmp_path, classes=7)
    with pytest.raises(InputError, match="must have the trial's number of classes, 10, got 7"):
        evaluate(runs["mlp"], ["dataset=folder", f"dataset.path={path}"])


def test_another_image_size_is_refused(runs: dict[str, Run], tmp_path: Path) -> None:
    path = shifted_digits(tmp_path, size=28)
    with pytest.raises(InputError, match="must have the trial's image size, 32, got 28"):
        evaluate(runs["mlp"], ["dataset=folder", f"dataset.path={path}"])


def named(path: Path, names: list[str]) -> Path:
    arrays = dict(np.load(shifted_digits(path)))
    np.savez(path / "named.npz", **arrays, class_names=np.array(names))
    return path / "named.npz"


def test_other_class_names_are_noted(runs: dict[str, Run], tmp_path: Path) -> None:
    path = named(tmp_path, [*"012345678", "nine"])
    result = evaluate(runs["mlp"], ["dataset=folder", f"dataset.path={path}"])
    assert any("9 as nine count as the same" in note for note in result.notes)


def test_the_same_class_names_in_another_order_are_refused(
    runs: dict[str, Run], tmp_path: Path
) -> None:
    path = named(tmp_path, list("1023456789"))
    with pytest.raises(InputError, match="must have its classes in the trial's order"):
        evaluate(runs["mlp"], ["dataset=folder", f"dataset.path={path}"])


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("optimizer.lr=1", "optimizer.lr must be left as the trial was trained"),
        ("data.standardize=false", "data.standardize must be left as the trial was trained"),
        ("dataset=digitz", "dataset must be one of .* .did you mean digits"),
        ("dataset.pth=x", "dataset.pth must be one of"),
        ("data.test_noise=[-1]", "data.test_noise"),
    ],
)
def test_other_overrides_are_refused(runs: dict[str, Run], override: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        evaluate(runs["mlp"], [override])
