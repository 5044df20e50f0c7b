"""Several processes train the same trial as one: batch norm on CPU, and whole trials under DDP."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from forked import TRIAL, Program, server
from safetensors.torch import load_file
from torch import Tensor, nn
from train_process import CPU, kinds, results, train_in_subprocess, wait_until

from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.model.distributed import CpuBatchNormSync, gather
from ablab.tracking.lab import Lab
from ablab.tracking.records import record_of
from ablab.tracking.run import Run
from ablab.training.settings import Devices, ProcessSettings

# Shape of a batch, and options of the layer; the batch is split into 4 and 3 images.
CASES: tuple[tuple[tuple[int, ...], dict[str, Any]], ...] = (
    ((7, 3), {}),
    ((7, 3, 5), {"momentum": 0.3}),
    ((7, 3, 4, 5), {}),
    ((7, 3, 4, 5), {"affine": False}),
    ((7, 3, 4, 5), {"momentum": None}),
    ((7, 3, 4, 5), {"eps": 0.1, "track_running_stats": False}),
)
SPLIT = 4


def layer_of(shape: tuple[int, ...], options: dict[str, Any]) -> nn.Module:
    kinds = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d}
    torch.manual_seed(1)
    layer = kinds[len(shape)](shape[1], **options).double()
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    return layer


def train_layer(
    layer: nn.Module, batches: list[Tensor], factors: list[Tensor]
) -> dict[str, Tensor]:
    """Return outputs, gradients and statistics of two training steps, and an evaluation output."""
    found = {}
    for step, (batch, factor) in enumerate(zip(batches, factors, strict=True)):
        x = batch.clone().requires_grad_()
        y = layer(x)
        (y * factor).sum().backward()
        found[f"output {step}"], found[f"gradient {step}"] = y.detach(), x.grad
    found |= {f"gradient of {n}": p.grad for n, p in layer.named_parameters()}
    found |= {name: value.clone() for name, value in layer.named_buffers()}
    if dict(layer.named_buffers()):
        found["evaluated"] = layer.eval()(batches[0])
    return found


def _inputs(shape: tuple[int, ...]) -> tuple[list[Tensor], list[Tensor]]:
    generator = torch.Generator().manual_seed(2)
    draw = [torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(4)]
    return [3 * draw[0] + 5, draw[1] - 2], draw[2:]


def _process(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2
    )
    mine = slice(None, SPLIT) if rank == 0 else slice(SPLIT, None)
    found: list[Any] = []
    for shape, options in CASES:
        module = nn.Sequential(layer_of(shape, options))
        sync = CpuBatchNormSync()
        assert sync.apply(module) is module
        batches, factors = _inputs(shape)
        found.append(train_layer(module, [b[mine] for b in batches], [f[mine] for f in factors]))
        sync.revert(module)
        assert "forward" not in module[0].__dict__
    found.append(gather(torch.arange(3) + 10 * rank).tolist())
    torch.save(found, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> list[list[Any]]:
    folder = tmp_path_factory.mktemp("processes")
    server()  # of which PyTorch forks too
    mp.start_processes(_process, (str(folder),), nprocs=2, start_method="forkserver")
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.slow
@pytest.mark.parametrize("case", range(len(CASES)))
def test_batch_norm_of_two_processes_equals_that_of_one(case: int, processes: list) -> None:
    shape, options = CASES[case]
    batches, factors = _inputs(shape)
    one = train_layer(nn.Sequential(layer_of(shape, options)), batches, factors)
    first, second = (found[case] for found in processes)
    assert first.keys() == second.keys() == one.keys()
    for name, expected in one.items():
        if name.startswith("gradient of"):
            both = first[name] + second[name]
        elif name.startswith(("output", "gradient", "evaluated")):
            both = torch.cat([first[name], second[name]])
        else:
            torch.testing.assert_close(first[name], second[name], rtol=0, atol=0)
            both = first[name]
        torch.testing.assert_close(both, expected, rtol=1e-10, atol=1e-12, msg=name)


@pytest.mark.slow
def test_shares_are_concatenated_in_rank_order(processes: list) -> None:
    assert processes[0][-1] == processes[1][-1] == [0, 1, 2, 10, 11, 12]


def test_one_process_gathers_its_own_share() -> None:
    assert gather(torch.arange(3)).tolist() == [0, 1, 2]


# Ties in max pooling, and Adam on biases before a batch norm, would amplify rounding errors.
SMOOTH = (
    "trainer.precision=64-true",
    "normalization=batch",
    "optimizer=momentum",
    "pooling=mean",
    "activation=tanh",
    "batch_size=96",
    "trainer.max_epochs=2",
)


def _start(run: Run, devices: dict[str, Any]) -> Program:
    arguments = str(run.folder), ProcessSettings(Devices(**devices)).to_json()
    where = {"folder": Path.cwd(), "environment": os.environ, "output": run.folder / "said"}
    return Program(TRIAL, arguments, **where)


def _run(run: Run, devices: dict[str, Any]) -> int:
    return _start(run, devices).wait()


def _run_as_command(run: Run, devices: dict[str, Any]) -> int:
    arguments = [str(run.folder), ProcessSettings(Devices(**devices)).to_json()]
    return subprocess.run([sys.executable, "-m", TRIAL, *arguments], check=False).returncode


def _log(run: Run) -> str:
    return (run.folder / "log.txt").read_text()


def _check_equal(found: Mapping[str, float], expected: Mapping[str, float]) -> None:
    """Check that losses agree up to rounding, which may flip the class of an image."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        tolerance = 2 / 287 if "accuracy" in name else 1e-4  # 287 images validate
        assert found[name] == pytest.approx(value, abs=tolerance), name


@pytest.mark.slow
def test_trial_on_two_processes_equals_that_on_one(lab: Lab) -> None:
    one, two = (
        lab.new_run(resolve(compose([*SMOOTH, "probes=default", devices])).as_dict())
        for devices in ("devices=cpu", "devices=ddp_cpu")
    )
    assert one.key == two.key
    assert train_in_subprocess(one) == 0
    assert _run_as_command(two, two.trial["config"]["devices"]) == 0, _log(two)
    assert [e.kind for e in two.entries()] == ["attempt", "epoch", "epoch"]
    for a, b in zip(one.entries()[1:], two.entries()[1:], strict=True):
        _check_equal(b.metrics, a.metrics)
    one_completion, two_completion = one.completion, two.completion
    assert one_completion is not None
    assert two_completion is not None
    _check_equal(two_completion.metrics, one_completion.metrics)
    assert two_completion.metadata == one_completion.metadata
    correct = record_of(two).correct()
    assert correct is not None
    assert correct.shape == (360,)
    expected = record_of(one).correct()
    assert expected is not None
    assert (correct != expected).sum() <= 1


def _weights(run: Run) -> dict[str, Tensor]:
    return load_file(run.folder / "best.safetensors")


TINY = ("architecture.blocks=[1,1]", "architecture.width=4")
RANDOM_PARTS = {
    "units and windows": ("dropout=dropout", "pooling=stochastic", "augmentation=mixup"),
    "maps": ("dropout=spatial", "augmentation=cutmix"),
    "branches": (
        *("architecture=resnet18", *TINY, "dropout=stochastic_depth", "dropout.p=0.5"),
        *("augmentation=crop_flip_rotation", "normalization=batch"),
    ),
    "states": ("architecture=gru", "dropout=dropout", "augmentation=cutout"),
    "nothing": ("architecture=mlp", "augmentation=rotation"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RANDOM_PARTS)
def test_random_components_draw_for_the_batch_of_all_processes(lab: Lab, name: str) -> None:
    precise = ("trainer.precision=64-true", "activation=tanh", "optimizer=momentum")
    overrides = [*precise, *RANDOM_PARTS[name], "batch_size=192", "trainer.max_epochs=2"]
    one, two = (
        lab.new_run(resolve(compose([*overrides, devices])).as_dict())
        for devices in ("devices=cpu", "devices=ddp_cpu")
    )
    assert one.key == two.key
    assert train_in_subprocess(one) == 0
    assert _run(two, two.trial["config"]["devices"]) == 0, _log(two)
    for a, b in zip(one.entries()[1:], two.entries()[1:], strict=True):
        assert b.metrics == pytest.approx(a.metrics, rel=1e-6)
    found = _weights(two)
    for parameter, value in _weights(one).items():
        torch.testing.assert_close(found[parameter], value, rtol=1e-8, atol=1e-11)


OWN_PARTS = """
import torch
from torch import nn

class Mine(nn.Module):
    def __init__(self, generator):
        super().__init__()
        self.generator, self.own = generator, nn.Dropout(0.2)

    def forward(self, x):
        if not self.training:
            return x
        kept = torch.rand(x.shape, generator=self.generator) < 0.5
        return self.own(x * kept)

class Noisy(torch.optim.SGD):
    def __init__(self, params):
        super().__init__(params, lr=0.05)

    def step(self, closure=None):
        loss = super().step(closure)
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    p.add_(1e-3 * torch.randn_like(p))
        return loss
"""


@pytest.fixture
def own_parts(mine: Callable[[str], Path], tmp_path: Path) -> None:
    mine(OWN_PARTS)
    for axis, name in (("dropout", "Mine"), ("optimizer", "Noisy")):
        (tmp_path / "conf" / axis).mkdir()
        (tmp_path / "conf" / axis / "mine.yaml").write_text(f"_target_: mine.{name}\n")


@pytest.mark.slow
@pytest.mark.usefixtures("own_parts")
def test_a_users_dropout_is_reproducible_on_two_processes_and_changes_the_key(lab: Lab) -> None:
    overrides = ["architecture=mlp", "dropout=mine", "batch_size=192", "trainer.max_epochs=2"]
    one = resolve(compose([*overrides, "devices=cpu"]))
    trial = resolve(compose([*overrides, "devices=ddp_cpu"]))
    assert one.key != trial.key
    first, again = (lab.new_run(trial.as_dict()) for _ in range(2))
    for run in (first, again):
        assert _run(run, trial.config["devices"]) == 0, _log(run)
    assert results(first) == results(again)


@pytest.mark.slow
@pytest.mark.usefixtures("own_parts")
def test_an_optimizer_draws_the_same_in_all_processes(lab: Lab) -> None:
    overrides = ["architecture=mlp", "optimizer=mine", "trainer.precision=64-true"]
    overrides += ["batch_size=192", "trainer.max_epochs=2", "activation=tanh"]
    one, two = (
        lab.new_run(resolve(compose([*overrides, devices])).as_dict())
        for devices in ("devices=cpu", "devices=ddp_cpu")
    )
    assert one.key == two.key
    assert train_in_subprocess(one) == 0
    assert _run(two, two.trial["config"]["devices"]) == 0
    found = _weights(two)
    for parameter, value in _weights(one).items():
        torch.testing.assert_close(found[parameter], value, rtol=1e-8, atol=1e-11)


@pytest.mark.slow
def test_divergence_ends_both_processes(lab: Lab) -> None:
    overrides = ["architecture=mlp", "optimizer=sgd", "optimizer.lr=1e30", "devices=ddp_cpu"]
    run = lab.new_run(resolve(compose(overrides)).as_dict())
    assert _run(run, run.trial["config"]["devices"]) == 0, _log(run)
    assert [e.kind for e in run.entries()] == ["attempt", "diverged"]
    assert run.status() == "diverged"


@pytest.mark.slow
def test_failure_ends_both_processes(
    begin: Callable[..., Run], mine: Callable[[str], Path]
) -> None:
    mine(
        "import os\nfrom torch import nn\n"
        "class Mine(nn.ReLU):\n"
        "    def forward(self, x):\n"
        "        if len(x) > 2 and os.environ.get('LOCAL_RANK', '0') == '0':\n"
        "            raise KeyError('no such unit')\n"
        "        return super().forward(x)\n"
    )
    run = begin("activation=mine", "devices=ddp_cpu")
    assert _run(run, run.trial["config"]["devices"]) == 1
    assert run.entries()[-1].note["error"] == "KeyError: 'no such unit'"
    assert not run.is_locked()


@pytest.mark.slow
def test_a_new_process_equals_a_forked_one(lab: Lab) -> None:
    trial = resolve(compose(["architecture=mlp", "trainer.max_epochs=1", "devices=cpu"])).as_dict()
    forked, started = lab.new_run(trial), lab.new_run(trial)
    assert train_in_subprocess(forked) == 0
    assert _run_as_command(started, CPU.as_dict()) == 0
    a, b = forked.completion, started.completion
    assert a is not None
    assert b is not None
    assert a.metrics == b.metrics
    assert a.artifacts["best.safetensors"] == b.artifacts["best.safetensors"]


@pytest.mark.slow
def test_signals_end_both_processes_and_training_resumes(begin: Callable[..., Run]) -> None:
    run = begin("devices=ddp_cpu", "trainer.max_epochs=1000")
    devices = run.trial["config"]["devices"]
    signals = ((signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGTERM, 143))
    for count, (number, code) in enumerate(signals, 1):
        epochs = kinds(run).count("epoch")
        process = _start(run, devices)
        wait_until(lambda before=epochs: kinds(run).count("epoch") > before + 1)
        process.send_signal(number)
        assert process.wait(120) == code
        assert kinds(run)[-1] == "stopped"
        assert kinds(run).count("attempt") == count
        assert not run.is_locked()
    numbers = [e.epoch for e in run.entries() if e.kind == "epoch"]
    assert numbers == list(range(len(numbers)))
