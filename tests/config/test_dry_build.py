"""A dry build refuses what would fail in training; what it accepts trains."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import train_process
from torch import nn
from train_process import kinds, results, train_in_subprocess

from ablab.config import memory
from ablab.config.compose import components, compose
from ablab.config.dry_backward import backward
from ablab.config.dry_build import dry_build
from ablab.config.dry_forward import META, build_network, forward_in_training
from ablab.config.trial import resolve
from ablab.faults import ConfigError
from ablab.model import build, construction
from ablab.model.classifier import Classifier
from ablab.tracking.lab import Lab

NETWORK = """
import torch
from torch import nn
class Net(nn.Module):
    {weight}
    def __init__(self, num_classes):
        super().__init__()
        self.main, self.further = nn.Linear(1024, num_classes), nn.Linear(1024, {further})
    def forward(self, x):
        x = x.flatten(1)
        return (self.main(x), self.further(x)) if {when} else self.main(x)
"""


def dry_built(mine: Callable, **words: str) -> frozenset[str]:
    plain = {"weight": "auxiliary_weight = 0.3", "further": "num_classes", "when": "self.training"}
    mine(NETWORK.format(**{**plain, **words}))
    return dry_build({**compose().resolved(), "architecture": {"_target_": "mine.Net"}})


def test_auxiliary_logits_in_training_are_accepted(mine: Callable) -> None:
    assert dry_built(mine) == frozenset()


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ({"weight": "pass"}, "must have a number auxiliary_weight for its auxiliary logits, got"),
        ({"further": "num_classes + 1"}, r"must return \(N, 10\) logits, got \(2, 11\)"),
        ({"when": "True"}, r"must return \(N, 10\) logits, got \(\) for N=2"),
    ],
)
def test_auxiliary_logits_that_break_the_contract_are_refused(
    mine: Callable, words: dict[str, str], fault: str
) -> None:
    with pytest.raises(ConfigError, match=f"architecture {fault}"):
        dry_built(mine, **words)


# Networks as users write them for torch.
NETS = """
import torch
import torch.nn.functional as F
from torch import nn
class Lazy(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.body = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten())
        self.head, self.auxiliary = nn.LazyLinear(num_classes), nn.LazyLinear(num_classes)
        self.auxiliary_weight = 0.1
    def forward(self, x):
        x = self.body(x)
        return (self.head(x), self.auxiliary(x)) if self.training else self.head(x)
class Unused(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.norm, self.head = nn.BatchNorm2d(1), nn.Linear(1024, num_classes)
        self.old, self.steps = nn.Linear(1024, num_classes), 0
    def forward(self, x):
        self.steps += 1
        return self.head(self.norm(x).flatten(1))
class Sometimes(Unused):
    def forward(self, x):
        logits = super().forward(x)
        return logits + self.old(x.flatten(1)) if self.steps % 3 == 0 else logits
class Squeezed(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, num_classes, 32), nn.GroupNorm(10, 10)
    def forward(self, x):
        return self.norm(self.conv(x)).squeeze() + self.conv(x).squeeze()
class Branches(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.head = nn.Linear(1024, num_classes)
    def forward(self, x):
        x = x.flatten(1)
        return self.head(x if x.max() > 0 else -x)
class Writes(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.head = nn.Linear(1024, num_classes)
    def forward(self, x):
        y = self.head(x.flatten(1)).exp()
        y *= y.sigmoid().exp()
        y.add_(1)
        return y
class Detached(Branches):
    def forward(self, x):
        return self.head(x.flatten(1)).detach()
class EvalFails(Branches):
    def forward(self, x):
        return self.head(x.flatten(1)) if self.training else self.absent(x)
class Idle(Lazy):
    def forward(self, x):
        return self.head(self.body(x))
class Weightless(nn.Module):
    def forward(self, x):
        return x.flatten(1)[:, :10]
class Keeps(Branches):
    def get_extra_state(self):
        return {"a": 1}
def factory(pretrained=False, **options):
    return Branches(**options)
def endless(num_classes):
    return nn.Sequential(*(nn.Linear(1, 1) for _ in range(10**9)))
class Vector(nn.Module):
    def forward(self, logits, target):
        return F.cross_entropy(logits, target, reduction="none")
class Twice(nn.Module):
    def forward(self, logits, target):
        return F.cross_entropy(logits, F.one_hot(target, 10).float())
class Stubborn(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
    def step(self, closure=None):
        if any(p.ndim == 4 for g in self.param_groups for p in g["params"]):
            raise RuntimeError("no kernels here")
        return super().step(closure)
class Odd(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
    def step(self, closure=None):
        loss = super().step(closure)
        self.state[self.param_groups[0]["params"][0]]["odd"] = Vector()
        return loss
"""
FEW = ["trainer.max_epochs=2", "batch_size=128", "data.train_images=512", "devices=cpu"]

LAST_BATCH_OF_ONE = "dataset.val_fraction=0.1747"


@pytest.fixture
def choose(mine: Callable[[str], Path], tmp_path: Path) -> Callable[..., list[str]]:
    """Write the networks, and a YAML for one of them; return the overrides that choose it."""

    def choose(axis: str, name: str, **values: Any) -> list[str]:
        mine(NETS)
        folder = tmp_path / "conf" / axis
        folder.mkdir(exist_ok=True)
        content = {"_target_": name if "." in name else f"mine.{name}", **values}
        (folder / "own.yaml").write_text(json.dumps(content))
        return [f"{axis}=own", *FEW]

    return choose


@pytest.mark.parametrize("name", ["Lazy", "Unused", "Sometimes", "Squeezed", "Branches"])
def test_accepted_network_trains_with_probes_and_resumes(
    choose: Callable[..., list[str]], lab: Lab, name: str
) -> None:
    overrides = [*choose("architecture", name), "probes=default", LAST_BATCH_OF_ONE]
    trial = resolve(compose(overrides)).as_dict()
    assert build.datamodule(trial["config"]).counts()["val_images"] == 251  # batches of 250
    run, killed = lab.new_run(trial), lab.new_run(trial)
    assert train_in_subprocess(run) == 0, run.entries()[-1].note
    train_in_subprocess(killed, train_process.terminated)
    assert train_in_subprocess(killed) == 0, killed.entries()[-1].note
    if name != "Sometimes":  # its counter of passes is in no checkpoint
        assert results(killed) == results(run)
    assert kinds(run) == ["attempt", "epoch", "epoch"]


@pytest.mark.parametrize(
    ("axis", "name", "fault"),
    [
        ("architecture", "Writes", "architecture must be differentiable, got one of the variables"),
        ("architecture", "Detached", "loss must depend on the weights, got one without a gradient"),
        ("architecture", "EvalFails", "architecture must work with its parts and data, got 'Eval"),
        ("architecture", "Idle", "architecture must use each of its lazy layers"),
        ("architecture", "Weightless", "architecture must have weights to train, got none"),
        (
            "architecture",
            "Keeps",
            "architecture must keep tensors alone in its state_dict, got",
        ),
        ("architecture", "factory", "architecture must be buildable, got TypeError"),
        ("loss", "Vector", "loss must return a scalar tensor, got (2,)"),
        (
            "optimizer",
            "Stubborn",
            "optimizer must take steps with these weights, got Runtime",
        ),
        (
            "optimizer",
            "Odd",
            "optimizer and scheduler must have a state of tensors and plain values",
        ),
    ],
)
def test_what_would_fail_in_training_is_refused_before(
    choose: Callable[..., list[str]], axis: str, name: str, fault: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(compose(choose(axis, name)))
    assert len(caught.value.faults) == 1
    assert caught.value.faults[0].startswith(fault)


def test_arguments_given_to_a_factory_are_reported(choose: Callable[..., list[str]]) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(compose(choose("architecture", "factory")))
    assert "mine.factory has **options, so it was called with in_channels, " in str(caught.value)


def test_soft_targets_reach_the_loss_before_training(choose: Callable[..., list[str]]) -> None:
    overrides = choose("loss", "Twice")
    assert resolve(compose(overrides)).key
    with pytest.raises(ConfigError, match="loss must work with logits and targets"):
        resolve(compose([*overrides, "augmentation=mixup"]))


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"max_lr": 0.1, "total_steps": 5}, "scheduler must take the trial's 8 steps, got"),
        ({"max_lr": 0.1, "total_steps": 8}, None),
    ],
)
def test_scheduler_that_ends_before_the_trial_is_refused(
    choose: Callable[..., list[str]], values: dict[str, Any], fault: str | None
) -> None:
    overrides = choose("scheduler", "torch.optim.lr_scheduler.OneCycleLR", **values)
    if fault is None:
        assert resolve(compose(overrides)).key
        return
    with pytest.raises(ConfigError) as caught:
        resolve(compose(overrides))
    assert caught.value.faults[0].startswith(fault)


def test_endless_network_is_refused(
    choose: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(construction, "MAX_PARTS", 100)
    with pytest.raises(ConfigError, match="architecture must have at most 100 layers and weight"):
        resolve(compose(choose("architecture", "endless")))


@pytest.mark.parametrize(
    ("overrides", "keys"),
    [
        (["architecture=cnn", "architecture.channels=[99999999999]"], "architecture must fit"),
        (["architecture=mlp", "architecture.widths=[4000000,4000000]"], "architecture must fit"),
        (["architecture=resnet18", "batch_size=full"], "architecture and batch_size must fit"),
    ],
)
def test_trial_larger_than_the_memory_is_refused(
    overrides: list[str], keys: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "machine_memory", lambda: 2e9)
    with pytest.raises(ConfigError, match=f"{keys} into the 2.00 GB of memory of this machine"):
        resolve(compose([*overrides, "devices=cpu"]))
    assert resolve(compose(["architecture=resnet18", "batch_size=8", "devices=cpu"])).key


def test_memory_is_the_smallest_limit_of_the_control_groups(tmp_path: Path) -> None:
    information, groups, root = tmp_path / "meminfo", tmp_path / "cgroup", tmp_path / "fs"
    information.write_text("MemTotal: 4 kB\nMemFree: 1 kB\nSwapTotal: 2 kB\n")
    groups.write_text("0::/a/b\n")
    (root / "a" / "b").mkdir(parents=True)
    assert memory.machine_memory(information, groups, root) == 6 * 1024
    (root / "a" / "b" / "memory.max").write_text("max\n")
    (root / "a" / "memory.max").write_text("5000\n")
    assert memory.machine_memory(information, groups, root) == 5000
    groups.write_text("8:cpu:/\n4:memory:/c\n")
    (root / "memory" / "c").mkdir(parents=True)
    (root / "memory" / "memory.limit_in_bytes").write_text("4000\n")
    assert memory.machine_memory(information, groups, root) == 4000


def test_saved_activations_are_counted_once() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.ReLU(), nn.Flatten())
    x = torch.zeros(5, 3)
    with memory.count_saved(network) as saved:
        network(x)
    # The linear layer saves its input, each ReLU its output.
    assert saved.bytes == 4 * (5 * 3 + 5 * 4 + 5 * 4)


@pytest.mark.parametrize("precision", ["64-true", "bf16-true", "bf16-mixed"])
def test_operation_without_the_precision_is_refused(
    mine: Callable[[str], Path], precision: str
) -> None:
    mine(
        "import torch\nfrom torch import nn\nclass Mine(nn.Module):\n"
        "    def __init__(self, channels):\n        super().__init__()\n"
        "        self.register_buffer('eye', torch.eye(2)[:1, :1].reshape(()))\n"
        "    def forward(self, x):\n"
        "        return x if x.dtype == torch.float32 else torch.linalg.svd(x.int())\n"
    )
    overrides = ["architecture=mlp", "activation=mine", "devices=cpu"]
    assert resolve(compose(overrides)).key
    with pytest.raises(ConfigError, match=rf"trainer\.precision must be one .* got {precision}"):
        resolve(compose([*overrides, f"trainer.precision={precision}"]))


def test_half_precision_on_the_cpu_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"trainer\.precision must be one that a cpu supports, got 16"
    ):
        resolve(compose(["trainer.precision=16-mixed", "devices=cpu"]))


OLDER = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}


def test_lstm_trains_in_bfloat16_on_an_older_processor(tmp_path: Path) -> None:
    overrides = [*FEW, "architecture=lstm", "trainer.precision=bf16-mixed"]
    command = [sys.executable, "-m", "ablab", "train", *overrides, "--offline"]
    done = subprocess.run(
        command, env={**os.environ, **OLDER}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test accuracy" in done.stdout


def test_image_alone_is_evaluated_as_in_a_batch(choose: Callable[..., list[str]]) -> None:
    config = compose([*choose("architecture", "Squeezed")]).resolved()
    module: Classifier = build.classifier(config, build.datamodule(config))
    module.eval()
    x, y = torch.rand(3, 1, 32, 32), torch.arange(3)
    for part in ((x, y), (x[2:], y[2:])):
        module.validation_step(part, 0)
    evaluated = module._evaluated
    assert evaluated.predicted[1].equal(evaluated.predicted[0][2:])


@pytest.mark.parametrize("name", components("architecture"))
def test_every_weight_of_ours_has_a_gradient_at_each_step(name: str) -> None:
    config = compose([f"architecture={name}", "devices=cpu"]).resolved()
    dry = forward_in_training(build_network(META, config, build.datamodule(config)))
    backward(dry)
    assert [n for n, p in dry.network.named_parameters() if p.grad is None] == []


def test_lazy_layers_train_alike_by_hand_and_by_torch(
    choose: Callable[..., list[str]], lab: Lab
) -> None:
    metrics = []
    for backend in ("torch", "by_hand"):
        overrides = [*choose("architecture", "Lazy"), f"backend={backend}"]
        precise = ["optimizer=sgd", "trainer.precision=64-true"]
        run = lab.new_run(resolve(compose([*overrides, *precise])).as_dict())
        assert train_in_subprocess(run) == 0, run.entries()[-1].note
        metrics.append([dict(entry.metrics) for entry in run.entries() if entry.metrics])
    assert len(metrics[0]) == 2
    assert metrics[1] == [pytest.approx(epoch) for epoch in metrics[0]]
