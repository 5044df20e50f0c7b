"""`ablab.load`: the network of training's tests, with their preprocessing; what it refuses."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from trained_trials import TRIALS

import ablab
from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.data.errors import DataError
from ablab.errors import InputError
from ablab.inference.load import finished_run, load_model
from ablab.model import build
from ablab.tracking.completion import COMPLETION, describe
from ablab.tracking.lab import Lab
from ablab.tracking.records import BEST, record_of
from ablab.tracking.run import Run
from ablab.tracking.sealed import read_sealed, write_sealed


def batches_of(run: Run) -> tuple[Tensor, Tensor, Tensor]:
    """Normalized test images of training, their bytes, and their labels."""
    data = build.datamodule(run.trial["config"])
    x, y = (torch.cat(parts) for parts in zip(*data.test_dataloader(), strict=True))
    return x, torch.cat(list(data.test_pixels())), y


def reseal(run: Run, name: str = BEST) -> None:
    """Let the completion record list a file as it is now."""
    content = read_sealed(run.folder / COMPLETION)
    assert content is not None
    content["artifacts"] |= describe(run.folder, [name])
    write_sealed(run.folder / COMPLETION, content)


@pytest.mark.parametrize("name", ["mlp", "lenet5", "permuted", "double"])
def test_preprocessing_is_that_of_training_to_the_bit(runs: dict[str, Run], name: str) -> None:
    model = load_model(runs[name])
    x, pixels, _ = batches_of(runs[name])
    assert model.preprocessing is not None
    prepared = model.preprocessing(pixels)
    assert torch.equal(prepared, x.to(prepared.dtype))
    as_fractions = model.preprocessing.fractions(pixels.permute(0, 3, 1, 2) / 255)
    torch.testing.assert_close(as_fractions.float(), prepared.float())


@pytest.mark.parametrize("name", list(TRIALS))
def test_the_loaded_network_has_the_recorded_accuracy(runs: dict[str, Run], name: str) -> None:
    model = ablab.load(runs[name].key[:10])
    _, pixels, y = batches_of(runs[name])
    labels = [model.class_names[k] for k in y.tolist()]
    share = np.mean([a == b for a, b in zip(model.classify(pixels), labels, strict=True)])
    assert share == pytest.approx(record_of(runs[name]).metrics["test/accuracy"])


def test_it_is_in_evaluation_mode_with_its_classes(runs: dict[str, Run]) -> None:
    model = ablab.load(runs["lenet5"].key)
    assert not any(module.training for module in model.modules())
    assert model.class_names == tuple("0123456789")
    assert (model.in_channels, model.image_size, model.key) == (1, 32, runs["lenet5"].key)


def test_inputs_of_each_kind_give_the_same_logits(runs: dict[str, Run]) -> None:
    model = load_model(runs["lenet5"])
    _, pixels, _ = batches_of(runs["lenet5"])
    four = pixels[:4]
    logits = model(four)
    assert torch.equal(model(four[..., 0]), logits)
    read_only = four.numpy().copy()
    read_only.flags.writeable = False  # as Pillow's arrays are
    assert torch.equal(model(read_only), logits)
    torch.testing.assert_close(model(four.permute(0, 3, 1, 2) / 255), logits)
    torch.testing.assert_close(model(four[:1]), logits[:1])
    torch.testing.assert_close(model.probabilities(four).sum(1), torch.ones(4))


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (torch.zeros(2, 1, 32, 32, dtype=torch.uint8), r"shape \(N, 32, 32, 1\), got \(2, 1, 32"),
        (torch.zeros(0, 32, 32, 1, dtype=torch.uint8), r"got \(0, 32, 32, 1\)"),
        (torch.zeros(2, 32, 32, 1), r"shape \(N, 1, 32, 32\), got \(2, 32, 32, 1\)"),
        (torch.full((2, 1, 32, 32), 255.0), "pixels from 0 to 1, not normalized, got 255 to 255"),
        (torch.full((2, 1, 32, 32), float("nan")), "pixels from 0 to 1"),
        (torch.zeros(2, 32, 32, 1, dtype=torch.int64), "uint8 or floating point, got torch.int64"),
        (np.array(["a"]), "must be a tensor or a numpy array of numbers"),
        ([[0]], "must be a tensor or a numpy array of numbers, got list"),
    ],
)
def test_other_inputs_are_refused(runs: dict[str, Run], images: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_model(runs["mlp"])(images)


def test_the_data_are_not_needed(runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "dataset", None)
    assert len(load_model(runs["mlp"]).class_names) == 10


def test_a_run_of_an_older_version_takes_its_format_from_the_data(runs: dict[str, Run]) -> None:
    run = runs["permuted"]
    _, pixels, _ = batches_of(run)
    wanted = load_model(run)(pixels)
    save_file(load_file(run.folder / BEST), run.folder / BEST)
    reseal(run)
    assert torch.equal(load_model(run)(pixels), wanted)


def test_changed_data_are_refused_where_the_format_comes_from_them(runs: dict[str, Run]) -> None:
    run = runs["mlp"]
    save_file(load_file(run.folder / BEST), run.folder / BEST)
    reseal(run)
    trial = {**run.trial, "data_hash": "0" * 64}
    write_sealed(run.folder / "trial.json", trial)
    reseal(run, "trial.json")
    with pytest.raises(DataError, match="must be as they were"):
        load_model(run)


def test_an_unknown_or_ambiguous_key_is_refused(runs: dict[str, Run]) -> None:
    with pytest.raises(InputError, match="must begin one trial's key, got zz, which begins none"):
        ablab.load("zz")
    with pytest.raises(InputError, match="must begin one trial's key"):
        ablab.load("")


def test_an_unfinished_trial_is_refused(lab: Lab) -> None:
    run = lab.new_run(resolve(compose(["architecture=mlp", "seed=77"])).as_dict())
    with pytest.raises(InputError, match=f"must be finished, got {run.key}, which is new"):
        finished_run(lab, run.key)


def test_a_diverged_trial_is_refused(lab: Lab, runs: dict[str, Run]) -> None:
    run = runs["mlp"]
    content = read_sealed(run.folder / COMPLETION)
    assert content is not None
    write_sealed(run.folder / COMPLETION, {**content, "outcome": "diverged"})
    with pytest.raises(InputError, match=r"must be finished, got .*, which diverged"):
        finished_run(lab, run.key)


def test_changed_weights_are_refused(lab: Lab, runs: dict[str, Run]) -> None:
    weights = runs["mlp"].folder / BEST
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(InputError, match=r"best.safetensors must be as recorded"):
        finished_run(lab, runs["mlp"].key)


def test_weights_of_another_network_are_refused_in_one_line(runs: dict[str, Run]) -> None:
    run = runs["mlp"]
    shutil.copy(runs["lenet5"].folder / BEST, run.folder / BEST)
    with pytest.raises(InputError, match="weights must fit the network") as caught:
        load_model(run)
    assert "\n" not in str(caught.value)


def test_a_record_of_another_format_is_refused(runs: dict[str, Run]) -> None:
    run = runs["mlp"]
    wrong = {"ablab.input": json.dumps({"classes": 10})}
    save_file(load_file(run.folder / BEST), run.folder / BEST, wrong)
    with pytest.raises(InputError, match="must hold the format of its input"):
        load_model(run)


def test_a_records_target_is_checked_as_that_of_a_command_line(runs: dict[str, Run]) -> None:
    run = runs["mlp"]
    trial = run.trial
    trial["config"]["loss"] = {"_target_": "torch.nn.parallel.distributed.os.getcwd"}
    write_sealed(run.folder / "trial.json", trial)
    with pytest.raises(InputError, match=r"loss._target_ must be a torch Module class"):
        load_model(run)


COUNTING = """
from torch import nn
class Mine(nn.Module):
    def __init__(self):
        super().__init__()
        self.steps = 0
    def forward(self, x):
        if self.training:
            self.steps += 1
        return x * (1 + self.steps / 10)
"""


@pytest.fixture
def own(lab: Lab, mine: Callable[[str], Path], begin: Callable[..., Run]) -> Run:
    """A finished run with code of the user's, which counts its steps."""
    from train_process import train_in_subprocess

    mine(COUNTING)
    run = begin("activation=mine", "normalization=none", "scheduler=constant")
    assert train_in_subprocess(run) == 0
    return run


def test_code_of_the_user_must_be_allowed(own: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ABLAB_ALLOW")
    with pytest.raises(InputError, match=r"got mine.Mine; if you trust it, add --allow mine ") as c:
        ablab.load(own.key)
    assert "\n" not in str(c.value)
    model = ablab.load(own.key, allow="mine")
    _, pixels, y = batches_of(own)
    share = float((model(pixels).argmax(1) == y).float().mean())
    assert share == pytest.approx(record_of(own).metrics["test/accuracy"])


def test_edited_code_of_the_user_is_refused(own: Run, mine: Callable[[str], Path]) -> None:
    mine(COUNTING.replace("10)", "11)"))
    with pytest.raises(InputError, match=r"mine.Mine must be as it was when the trial was trained"):
        load_model(own)
