"""Trials whose components draw per process have the number of processes in their key."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from ablab.config.compose import components, compose
from ablab.config.trial import key_of, resolve
from ablab.model.randomness import own_randomness

PARTS = ("architecture", "activation", "pooling", "normalization", "dropout", "loss")
SMALL = ("architecture=mlp", "architecture.widths=[8]", "batch_size=64")
FOREIGN = {
    "architecture": "from torch import nn\nclass Mine(nn.Linear):\n"
    "    def __init__(self, num_classes): super().__init__(1024, num_classes)\n"
    "    def forward(self, x): return super().forward(x.flatten(1))\n",
    "activation": "from torch import nn\nclass Mine(nn.ReLU): pass\n",
    "pooling": "from torch import nn\nclass Mine(nn.MaxPool2d):\n"
    "    def __init__(self, kernel_size, stride, padding, generator): super().__init__(2)\n",
    "dropout": "from torch import nn\nclass Mine(nn.Dropout):\n"
    "    def __init__(self, generator): super().__init__(0.5)\n",
    "normalization": "from torch import nn\n"
    "def Mine(channels, spatial_dims): return nn.Identity()\n",
    "loss": "from torch import nn\nclass Mine(nn.CrossEntropyLoss): pass\n",
    "augmentation": "def Mine(): return lambda x, y, generator: (x, y)\n",
    "optimizer": "import torch\nclass Mine(torch.optim.SGD):\n"
    "    def __init__(self, params): super().__init__(params, lr=0.1)\n",
}


def keys(*overrides: str) -> tuple[str, str, str]:
    """Return the keys on one, two and four processes."""
    config = compose(overrides).resolved()
    devices = (
        {"accelerator": "cpu", "devices": n, "strategy": "ddp" if n > 1 else "auto"}
        for n in (1, 2, 4)
    )
    one, two, four = (key_of({**config, "devices": d}, "data", {}) for d in devices)
    return one, two, four


@pytest.mark.parametrize("axis", PARTS)
def test_components_of_ablab_have_one_key_for_any_number_of_processes(axis: str) -> None:
    for name in components(axis):
        overrides = [f"{axis}={name}"]
        assert own_randomness(compose(overrides).resolved()) == [], name
    assert len(set(keys(f"{axis}={sorted(components(axis))[-1]}", "augmentation=mixup"))) == 1


@pytest.mark.parametrize("axis", FOREIGN)
def test_a_users_component_of_the_network_has_the_processes_in_the_key(
    mine: Callable[[str], Path], tmp_path: Path, axis: str
) -> None:
    mine(FOREIGN[axis])
    (tmp_path / "conf" / "activation" / "mine.yaml").unlink()
    (tmp_path / "conf" / axis).mkdir(exist_ok=True)
    (tmp_path / "conf" / axis / "mine.yaml").write_text("_target_: mine.Mine\n")
    shared = axis in ("augmentation", "optimizer")  # draw once for all processes
    assert own_randomness(compose([f"{axis}=mine"]).resolved()) == ([] if shared else [axis])
    assert len(set(keys(f"{axis}=mine"))) == (1 if shared else 3)
    if axis != "pooling":
        one, two = (
            resolve(compose([*SMALL[: 0 if axis == "architecture" else 2], f"{axis}=mine", on])).key
            for on in ("devices=cpu", "devices=ddp_cpu")
        )
        assert (one == two) == shared


@pytest.mark.parametrize(
    ("axis", "target"),
    [
        ("activation", "torch.nn.RReLU"),
        ("dropout", "torch.nn.Dropout"),
        ("dropout", "torch.nn.AlphaDropout"),
        ("pooling", "torch.nn.FractionalMaxPool2d"),
    ],
)
def test_random_layers_of_torch_have_the_processes_in_the_key(axis: str, target: str) -> None:
    config = compose().resolved()
    config[axis] = {"_target_": target}
    assert own_randomness(config) == [axis]


class _Draws(TorchDispatchMode):
    """Detects operations that draw from a global generator."""

    drew = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.drew |= torch.Tag.nondeterministic_seeded in func.tags
        return func(*args, **(kwargs or {}))


def _torchs_parts() -> list[type[nn.Module]]:
    """Return torch's modules that an axis may name."""
    modules = [m for _, m in sorted(vars(nn).items()) if inspect.isclass(m)]
    return [m for m in modules if issubclass(m, nn.Module) and m.__module__.startswith("torch.nn")]


def _forward(kind: type[nn.Module]) -> bool | None:
    """Return whether a layer draws in training; None if it fails on all inputs tried."""
    given: dict[str, Any] = {"num_features": 8, "kernel_size": 2, "num_parameters": 8}
    given |= {"num_channels": 8, "num_groups": 2, "normalized_shape": 8, "output_size": 2}
    given |= {"embed_dim": 8, "num_heads": 2, "d_model": 8, "nhead": 2, "input_size": 8}
    given |= {"hidden_size": 8, "in_channels": 8, "out_channels": 8, "size": 3, "dropout": 0.5}
    given |= {"num_layers": 2}
    try:
        names = inspect.signature(kind).parameters
        if any(p.kind is p.VAR_KEYWORD for p in names.values()):  # such as nn.LSTM
            names = {**names, "input_size": None, "hidden_size": None, "dropout": None}
            names |= {"num_layers": None}
        module = kind(**{n: v for n, v in given.items() if n in names and n != "output_size"})
    except Exception:
        if kind.__name__.startswith("FractionalMaxPool"):
            module = kind(2, output_size=2)
        else:
            return None
    for x in (torch.rand(4, 8, 8, 8), torch.rand(4, 8, 8), torch.rand(4, 8, 8, 8, 8)):
        for arguments in ((x,), (x, x), (x, x, x)):
            try:
                module(*arguments)  # a lazy layer draws its weights
            except Exception:
                continue
            with _Draws() as draws:
                module(*arguments)
            return draws.drew
    return None


@pytest.mark.filterwarnings("ignore")
def test_every_random_layer_of_torch_is_known() -> None:
    found = {kind: _forward(kind) for kind in _torchs_parts()}
    assert sum(drew is not None for drew in found.values()) > 60
    for kind, drew in found.items():
        if drew:
            config = compose().resolved()
            config["activation"] = {"_target_": f"{kind.__module__}.{kind.__qualname__}"}
            assert own_randomness(config) == ["activation"], kind
    known = {nn.Dropout, nn.RReLU, nn.FractionalMaxPool2d, nn.LSTM, nn.MultiheadAttention}
    assert known < {kind for kind, drew in found.items() if drew}
