"""Trials that train together follow those that train alone, step by step."""

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import pytest
import torch
from small_networks import NETWORKS, chosen
from torch import Tensor

from ablab.config.compose import components, compose
from ablab.config.fused import ELEMENTWISE
from ablab.config.yaml_file import read_yaml
from ablab.data.fused_batches import FusedBatches
from ablab.data.module import InMemoryDataModule
from ablab.model import build
from ablab.model.builder import Builder
from ablab.model.dropout_stream import DropoutStream
from ablab.model.frozen_layers import trained_parameters
from ablab.training.fused.classifier import FusedClassifier

STEPS = 50
LARGE = (
    "convnext_tiny",
    "densenet100",
    "googlenet",
    "inception_v3",
    "mobilenet",
    "resnet50",
    "vgg",
)
SMALL = ("dataset=digits", "batch_size=20", "data.train_images=1000")
MLP = ("architecture=mlp", "architecture.widths=[12]", "normalization=batch", "dropout=dropout")
OPTIMIZERS = [
    name
    for name, path in sorted(components("optimizer").items())
    if read_yaml(path)["_target_"] in ELEMENTWISE
]
SCHEDULERS = [name for name in sorted(components("scheduler")) if name != "plateau"]
Config = dict[str, Any]


def configs(overrides: Sequence[str], *own: dict[str, Any]) -> list[Config]:
    base = compose([*SMALL, *overrides])
    return [base.with_values({"seed": s, **v}).resolved() for s, v in enumerate(own)]


def data_of(config: Config) -> InMemoryDataModule:
    data = build.datamodule(config)
    assert isinstance(data, InMemoryDataModule)
    return data


def train_alone(config: Config, dtype: torch.dtype, steps: int) -> Tensor:
    """Return the losses of the first steps, computed with torch's own optimizer alone."""
    data = data_of(config)
    module = build.classifier(config, data).to(dtype)
    optimizer = Builder("optimizer", config["optimizer"])(
        named_params=trained_parameters(module.network)
    )
    scheduler = Builder("scheduler", config["scheduler"])(optimizer=optimizer, total_steps=steps)
    if hasattr(optimizer, "train"):
        optimizer.train()
    stream = DropoutStream(config["seed"], module.dropout_generator)
    stream.start_epoch(0, 0, 1)
    clip, losses = config["trainer"]["gradient_clip_val"], []
    module.network.train()
    for step, (x, y) in zip(range(steps), data.train_dataloader(), strict=False):
        stream.seed_step(step)
        optimizer.zero_grad()
        evaluation = module.objective(module.network, x.to(dtype), y)
        evaluation.cost.backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(module.network.parameters(), clip)
        optimizer.step()
        scheduler.step()
        module.regularizer.project()
        losses.append(evaluation.loss.detach())
    return torch.stack(losses)


def train_together(own: Sequence[Config], dtype: torch.dtype, steps: int) -> Tensor:
    """Return the losses (T, steps) of trials that train together."""
    data = [data_of(config) for config in own]
    modules = [build.classifier(c, d).to(dtype) for c, d in zip(own, data, strict=True)]
    fused = FusedClassifier(modules, own, steps)
    outputs = fused.start_epoch()
    batches = FusedBatches([each.train_dataloader() for each in data])
    for step, (x, y) in zip(range(steps), batches, strict=False):
        fused.train_step(step, x, y, outputs)
    return torch.stack([torch.stack(each.loss) for each in outputs.by_trial()])


def compare(own: Sequence[Config], dtype: torch.dtype = torch.float64, steps: int = STEPS) -> float:
    """Return the largest difference of a loss between trials that train alone and together."""
    alone = torch.stack([train_alone(config, dtype, steps) for config in own])
    assert alone.shape == (len(own), steps)
    assert alone.isfinite().all()
    assert len({float(losses[-1]) for losses in alone}) == len(own)
    return float((alone - train_together(own, dtype, steps)).abs().max())


# Before a batch norm, a bias and the weights of a pixel that is constant in the batch have no
# gradient but rounding errors, which these optimizers make steps of the size of the learning rate.
NORMALIZES_ROUNDING_ERRORS = ("adagrad", "lion")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer(optimizer: str):
    chosen = [*MLP, f"optimizer={optimizer}", "scheduler=one_cycle"]
    if optimizer in NORMALIZES_ROUNDING_ERRORS:
        chosen.append("normalization=layer")
    assert compare(configs(chosen, {}, {}, {})) < 1e-9


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_in_float32(optimizer: str):
    chosen = [*MLP, f"optimizer={optimizer}", "normalization=none"]
    assert compare(configs(chosen, {}, {}, {}), torch.float32) < 1e-4


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_scheduler(scheduler: str):
    assert compare(configs([*MLP, f"scheduler={scheduler}"], {}, {}), steps=12) < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_every_architecture(name: str):
    # With batch norm, rounding errors of deep networks grow tenfold every two steps.
    steps = 2 if name in LARGE else STEPS
    small = ["batch_size=2", "optimizer=sgd", "optimizer.lr=1e-4", "normalization=none"]
    assert compare(configs([*chosen(name), *small], {}, {}), steps=steps) < 1e-9


@pytest.mark.parametrize(
    ("overrides", "key", "values"),
    [
        ([], "optimizer.lr", (0.1, 0.01, 0.003)),
        (["optimizer=momentum"], "optimizer.momentum", (0.0, 0.5, 0.9)),
        (["optimizer=nesterov"], "optimizer.weight_decay", (0.0, 0.01, 0.1)),
        (["optimizer=adamw"], "optimizer.weight_decay", (0.0, 0.01, 0.1)),
        ([], "dropout.p", (0.0, 0.2, 0.6)),
        (["loss=label_smoothing"], "loss.label_smoothing", (0.0, 0.1, 0.3)),
        (["regularizer=l2"], "regularizer.strength", (0.0, 0.001, 0.1)),
        (["regularizer=max_norm"], "regularizer.max_norm", (0.3, 0.6, 2.0)),
        (["augmentation=mixup"], "optimizer.lr", (0.01, 0.003, 0.001)),
        (["augmentation=crop_flip"], "optimizer.lr", (0.01, 0.003, 0.001)),
        (["trainer.gradient_clip_val=0.1"], "optimizer.lr", (0.01, 0.003, 0.001)),
        (["initializer=normal"], "initializer.std", (0.01, 0.05, 0.1)),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_trials_may_differ_in_numbers(overrides: list[str], key: str, values: tuple[float, ...]):
    chosen = [*MLP, "optimizer=sgd", *overrides]
    assert compare(configs(chosen, *({key: value} for value in values)), steps=20) < 1e-9


def test_results_do_not_depend_on_the_neighbors():
    own = configs([*MLP, "scheduler=one_cycle"], {}, {"optimizer.lr": 0.01}, {}, {})
    together = train_together(own, torch.float32, STEPS)
    for count in (2, 3):
        assert torch.equal(train_together(own[:count], torch.float32, STEPS), together[:count])
    assert torch.equal(train_together(own[::-1], torch.float32, STEPS), together.flip(0))
    assert torch.equal(train_together(own[2:], torch.float32, STEPS), together[2:])


ACTIVATIONS = sorted(components("activation"))
LOSSES = sorted(components("loss"))


@pytest.mark.parametrize(
    "parts",
    [
        *zip(ACTIVATIONS, cycle(LOSSES), cycle(OPTIMIZERS)),
        ("silu", "cross_entropy", "adam", "lenet5"),
        ("mish", "cross_entropy", "adam", "cnn"),
    ],
    ids="-".join,
)
def test_results_do_not_depend_on_the_position(parts: tuple[str, ...]):
    # Neither 9 images nor 13 features fill vectors of the processor.
    activation, loss, optimizer, *other = parts
    network = [f"architecture={name}" for name in other] or [*MLP, "architecture.widths=[13]"]
    chosen = (f"activation={activation}", f"loss={loss}", f"optimizer={optimizer}")
    own = configs([*network, *chosen, "data.train_images=900", "batch_size=9"], {}, {}, {})
    together = train_together(own, torch.float32, 3)
    assert torch.equal(train_together(own[::-1], torch.float32, 3), together.flip(0))


@pytest.mark.parametrize("optimizer", ["adam", "lion", "nesterov"])
def test_results_do_not_depend_on_the_position_with_two_threads(optimizer: str):
    # so many weights and features that torch shares them between the threads
    chosen = ("architecture=mlp", "architecture.widths=[77]", "activation=mish", "batch_size=250")
    own = configs([*chosen, "normalization=batch", f"optimizer={optimizer}"], {}, {}, {})
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        together = train_together(own, torch.float32, 3)
        assert torch.equal(train_together(own[::-1], torch.float32, 3), together.flip(0))
    finally:
        torch.set_num_threads(before)


def test_states_without_the_zeros_at_their_ends_are_continued():
    # as checkpoints were before weights filled whole vectors
    own = configs([*MLP, "architecture.widths=[13]"], {}, {})
    data = data_of(own[0])
    x, y = next(iter(FusedBatches([data.train_dataloader(), data.train_dataloader()])))
    found = []
    for is_cut in (False, True):
        modules = [build.classifier(config, data) for config in own]
        fused = FusedClassifier(modules, own, 4)
        fused.train_step(0, x, y, fused.start_epoch())
        states = [fused.update.state_of(number) for number in range(2)]
        number = sum(p.numel() for p in modules[0].network.parameters())
        for state in states if is_cut else ():
            row = state["optimizer"]["state"][0]
            assert row["exp_avg"].shape[1] > number
            row.update({name: row[name][:, :number] for name in ("exp_avg", "exp_avg_sq")})
        again = FusedClassifier(modules, own, 4, [1, 1], states)
        again.train_step(0, x, y, again.start_epoch())
        found.append(torch.cat([p.detach().flatten() for p in modules[1].network.parameters()]))
    assert torch.equal(*found)


def test_a_trial_alone_differs_by_rounding():
    own = configs([*MLP, "scheduler=one_cycle"], {}, {}, {})
    together = train_together(own, torch.float64, STEPS)
    for number, config in enumerate(own):
        alone = train_together([config], torch.float64, STEPS)[0]
        torch.testing.assert_close(alone, together[number], rtol=0, atol=1e-9)


def test_a_divergence_changes_no_other_trial():
    own = configs([*MLP, "optimizer=sgd"], {}, {"optimizer.lr": 1e30}, {})
    losses = train_together(own, torch.float32, STEPS)
    assert losses.isfinite().all(1).tolist() == [True, False, True]
    apart = train_together([own[0], own[2]], torch.float32, STEPS)
    assert torch.equal(losses[[0, 2]], apart)
