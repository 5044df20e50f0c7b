"""Lightning and torchmetrics are imported without the compiler of torch, scipy and matplotlib."""

import subprocess
import sys

import pytest

LARGE = ("matplotlib.figure", "scipy.signal", "scipy.stats", "sympy", "torch._dynamo.eval_frame")
START = f"""
import sys
import ablab.sweep.launch.preload
import ablab.lightning
import torch

def imported():
    return [name for name in {LARGE} if name in sys.modules]

assert imported() == [], imported()
layer = torch.nn.Linear(2, 2)
"""
TRAINING = """
from torch.optim import Optimizer

kinds = [k for k in vars(torch.optim).values() if isinstance(k, type) and k is not Optimizer]
kinds = [k for k in kinds if issubclass(k, Optimizer)]
assert len(kinds) > 10
for kind in kinds:
    if kind.__name__ == "SparseAdam":
        continue
    optimizer = kind([layer.weight], lr=0.1)
    before = layer.weight.clone()

    def loss():
        optimizer.zero_grad()
        result = layer(torch.ones(2)).square().sum()
        result.backward()
        return result

    loss()
    optimizer.step(loss)
    assert (layer.weight != before).any(), kind
    optimizer.load_state_dict(optimizer.state_dict())
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(2, 2))]})
"""
COMPILING = """
from pytorch_lightning.utilities import compile as lightning

assert not isinstance(layer, lightning.OptimizedModule)
compiled = torch.compile(layer, backend="eager")
assert isinstance(compiled, lightning.OptimizedModule)
assert not isinstance(layer, lightning.OptimizedModule)
assert torch.equal(compiled(torch.ones(2)), layer(torch.ones(2)))
optimizer = torch.optim.Rprop(compiled.parameters())
compiled(torch.ones(2)).sum().backward()
optimizer.step()
optimizer.zero_grad()
import torch._dynamo
from torch._dynamo.utils import counters

assert torch._dynamo is sys.modules["torch._dynamo"]
assert torch._dynamo.utils.counters is counters
assert counters["stats"]["unique_graphs"] == 1, counters

def closure():
    optimizer.zero_grad()
    return layer(torch.ones(2)).sum()

try:
    torch.compile(closure, backend="eager", fullgraph=True)()
except torch._dynamo.exc.Unsupported:
    pass
else:
    raise AssertionError("zero_grad must be hidden from the compiler")
"""
DISABLING = """
torch._dynamo.graph_break("nothing is compiled")
early = torch.compiler.disable(lambda x: x + 1)
assert early(1) == 2
assert imported() == []
disabled = torch.compiler.disable(layer, reason="a module")
assert torch.equal(disabled(torch.ones(2)), layer(torch.ones(2)))

@torch.compiler.disable(reason="a decorator with arguments")
def hidden(x):
    return x + 1

x = torch.ones(1)
for function in (early, hidden):
    assert torch.compile(lambda x: 2 * function(x), backend="eager")(x) == 4
    try:
        torch.compile(lambda x: 2 * function(x), backend="eager", fullgraph=True)(x)
    except torch._dynamo.exc.Unsupported:
        continue
    raise AssertionError(function)
"""
PLOTTING = """
from ablab.lightning import torchmetrics

accuracy = torchmetrics.classification.MulticlassAccuracy(3)
accuracy.update(torch.tensor([0, 1]), torch.tensor([0, 2]))
figure, axes = accuracy.plot()
assert type(figure).__module__ == "matplotlib.figure", type(figure)
import matplotlib.axes
from torchmetrics.utilities import plot

assert isinstance(axes, plot._AX_TYPE)
assert not isinstance(figure, plot._AX_TYPE)
import scipy.signal

assert scipy.signal.windows.hamming(3)[1] == 1
"""
SUBMODULE_FIRST = """
import torch._dynamo.config
from torch._dynamo.exc import Unsupported

assert torch._dynamo.config is sys.modules["torch._dynamo.config"]
assert torch._dynamo.exc.Unsupported is Unsupported
assert torch.compile(layer, backend="eager")(torch.ones(2)).shape == (2,)
"""
NOTHING_NEW = "assert imported() == [], imported()"


@pytest.mark.parametrize(
    "program",
    [TRAINING + NOTHING_NEW, COMPILING, DISABLING, PLOTTING, SUBMODULE_FIRST],
    ids=["training", "compiling", "disabling", "plotting", "submodule first"],
)
def test_large_modules_are_imported_once_they_are_used(program: str):
    words = [sys.executable, "-W", "error::ImportWarning", "-c", START + program]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
