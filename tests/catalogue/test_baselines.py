"""The scikit-learn baselines: trained on a trial's images, stored, and trained once."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ablab import cli
from ablab.catalogue import baselines
from ablab.catalogue.baselines import train_baselines
from ablab.catalogue.estimators import ESTIMATORS, Estimator
from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.faults import ConfigError
from ablab.model import build
from ablab.tracking.baselines import NAMES, Baselines, identity, read_baselines
from ablab.tracking.lab import Lab

QUICK = tuple(each for each in ESTIMATORS if each.name in ("majority_class", "nearest_centroid"))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab.open(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def record(lab: Lab) -> Baselines:
    return train_baselines("digits", ["data.train_images=300"], lab=lab)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Lab:
    """A separate lab, and the two fastest baselines."""
    monkeypatch.setattr(baselines, "ESTIMATORS", QUICK)
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "lab"))
    return Lab.open()


def _images(*overrides: str) -> dict[str, tuple[Tensor, Tensor]]:
    data = build.datamodule(compose(overrides).resolved())
    data.batch_size = data.counts()["train_images"]
    loaders = {
        "train": data.train_dataloader(),
        "val": data.val_dataloader(),
        "test": data.test_dataloader(),
    }
    found = {}
    for part, loader in loaders.items():
        x, y = zip(*loader, strict=True)
        found[part] = torch.cat(x).flatten(1).double(), torch.cat(y)
    return found


def test_all_six_are_trained_and_beat_the_majority_class(record: Baselines) -> None:
    assert tuple(record.results) == tuple(each.name for each in ESTIMATORS) == NAMES
    majority = record.results["majority_class"].metrics["test/accuracy"]
    for name in set(NAMES) - {"majority_class"}:
        metrics = record.results[name].metrics
        assert majority < metrics["test/accuracy"] <= 1, name
        assert metrics.keys() == {"val/accuracy", "test/accuracy"}


def test_majority_nearest_centroid_and_k_nn_match_their_definition(
    record: Baselines,
) -> None:
    parts = _images("data.train_images=300")
    (x, y), classes = parts["train"], torch.arange(10)
    centroids = torch.stack([x[y == k].mean(0) for k in classes])
    majority = torch.bincount(y).argmax()
    for part in ("val", "test"):
        images, labels = parts[part]
        nearest = torch.cdist(images, centroids).argmin(1)
        votes = y[torch.cdist(images, x).topk(5, largest=False).indices]
        voted = torch.stack([(votes == k).sum(1) for k in classes], 1).argmax(1)
        predicted = {"majority_class": majority, "nearest_centroid": nearest, "k_nn": voted}
        for name, guesses in predicted.items():
            expected = float((guesses == labels).double().mean())
            assert record.results[name].metrics[f"{part}/accuracy"] == pytest.approx(expected), name


def test_baselines_are_trained_on_each_image_of_a_trial_once() -> None:
    config = compose(["seed=3", "data.shuffle=with_replacement"]).resolved()
    seen = baselines._parts(build.datamodule(config))
    for part, (x, y) in _images("seed=3").items():
        pixels, labels = seen[part]
        assert len(pixels) == len(x)
        ours, trials = (
            np.sort(np.c_[values.sum(1), targets].view(complex).ravel())
            for values, targets in ((pixels.astype(float), labels), (x.numpy(), y.numpy()))
        )
        np.testing.assert_allclose(ours, trials, atol=1e-3)


def test_recorded_settings_are_those_of_the_estimator(record: Baselines) -> None:
    for estimator in ESTIMATORS:
        result = record.results[estimator.name]
        assert result.estimator == estimator.class_path
        assert result.settings == estimator.settings
        params = estimator.build().get_params()
        assert {name: params[name] for name in estimator.settings} == estimator.settings
        assert {"random_state": 0}.items() <= params.items() or params.get("random_state") is None


def test_the_file_holds_the_returned_record(lab: Lab, record: Baselines) -> None:
    (path,) = (lab.root / "baselines").iterdir()
    assert path.name.startswith("digits-")
    assert read_baselines(lab.root) == [record]
    assert json.loads(path.read_text("utf-8"))["counts"]["train_images"] == 300


def test_finished_baselines_are_skipped_unless_fresh(quick: Lab) -> None:
    lines: list[str] = []
    first = train_baselines("digits", say=lines.append)
    assert sum(line.endswith("training …") for line in lines) == 2
    lines.clear()
    assert train_baselines("digits", say=lines.append) == first
    assert all(line.endswith("trained before") for line in lines[1:])
    lines.clear()
    train_baselines("digits", fresh=True, say=lines.append)
    assert sum(line.endswith("training …") for line in lines) == 2


def test_an_interrupted_training_is_resumed(quick: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Estimator("broken", "broken", "sklearn.dummy.DummyClassifier", {"strategy": "none"})
    monkeypatch.setattr(baselines, "ESTIMATORS", (QUICK[0], broken, QUICK[1]))
    with pytest.raises(ValueError, match="strategy"):
        train_baselines("digits")
    (kept,) = read_baselines(quick.root)
    assert set(kept.results) == {QUICK[0].name}
    monkeypatch.setattr(baselines, "ESTIMATORS", QUICK)
    lines: list[str] = []
    train_baselines("digits", say=lines.append)
    assert [line.endswith("training …") for line in lines] == [False, False, True, False]


def test_a_baseline_with_other_settings_is_trained_again(
    quick: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_baselines("digits")
    changed = Estimator(QUICK[1].name, "x", QUICK[1].class_path, {"metric": "manhattan"})
    monkeypatch.setattr(baselines, "ESTIMATORS", (QUICK[0], changed))
    found = train_baselines("digits")
    assert found.results[changed.name].settings == {"metric": "manhattan"}


def test_each_split_has_its_own_file(quick: Lab) -> None:
    for overrides in ([], ["seed=1"], ["dataset.val_fraction=0.5"]):
        train_baselines("digits", overrides)
    records = read_baselines(quick.root)
    assert len(records) == 3
    assert sorted(r.counts["train_images"] for r in records) == [1437 - 718, 1150, 1150]


def test_overrides_that_do_not_apply_are_refused(quick: Lab) -> None:
    with pytest.raises(ConfigError) as caught:
        train_baselines("digits", ["activation=elu", "seed=1", "optimizer.lr=1"])
    assert caught.value.faults == (
        "override must be of seed, dataset. or data., got activation=elu",
        "override must be of seed, dataset. or data., got optimizer.lr=1",
    )


def test_the_command_prints_its_progress(
    quick: Lab, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["baselines", "digits", "seed=2"]) == 0
    output = capsys.readouterr().out
    assert output.startswith("digits, seed 2: 1150 train, 287 val, 360 test images\n")
    assert "nearest centroid: test 8" in output
    assert cli.main(["baselines", "digts"]) == 2
    assert "did you mean digits?" in capsys.readouterr().err


def test_a_trial_of_the_same_data_has_the_same_identity(quick: Lab) -> None:
    record = train_baselines("digits", ["seed=4"])
    trial = json.loads(json.dumps(resolve(compose(["architecture=mlp", "seed=5"])).as_dict()))
    assert identity(trial["config"], trial["data_hash"]) == record.identity
    del trial["config"]["dataset"]["enlarge"]  # a trial of a lab that was written before it
    assert identity(trial["config"], trial["data_hash"]) == record.identity
    other = resolve(compose(["data.train_images=200"]))
    assert identity(other.config, other.data_hash) != record.identity
