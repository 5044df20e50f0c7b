"""A training step of each architecture against plain PyTorch code, for CIFAR-100's shapes.

Both compute the same function: equal numbers of parameters, and equal logits for equal weights.
"""

import gc
import importlib
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F
from measurements import parse_options, print_results
from torch import Tensor, nn

from ablab.config.compose import compose
from ablab.folders import shipped_folder
from ablab.model import build

PLAIN = Path(__file__).parent / "plain"
BATCH = 32
# These use half the batch: a step takes seconds. Below 16, torch uses other 1x1 convolutions.
SMALLER = ("convnext_tiny", "densenet121", "googlenet", "inception_v3", "resnet50", "wide_resnet")
MIN_SECONDS = 0.05  # of each measurement
SHORT, MORE = 0.03, 5  # shorter steps are measured so many times more often
Seconds = tuple[float, float]  # CPU time, wall time
HEADER = (
    "architecture    parameters batch   ours, ms  plain, ms   ratio   (min, max)      clock    n"
)


@dataclass
class Step:
    """Trains a network on one batch.

    Attributes:
        network: the network.
        optimizer: optimizes its weights.
        auxiliary_weight: weight of each auxiliary loss.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    auxiliary_weight: float

    def run(self, x: Tensor, target: Tensor) -> None:
        """Take a step."""
        self.optimizer.zero_grad()
        output = self.network(x)
        main, *others = output if isinstance(output, tuple) else (output,)
        loss = F.cross_entropy(main, target)
        for other in others:
            loss = loss + self.auxiliary_weight * F.cross_entropy(other, target)
        loss.backward()
        self.optimizer.step()

    def seconds(self, x: Tensor, target: Tensor, count: int) -> Seconds:
        """Return the mean time of ``count`` steps."""
        cpu, clock = time.process_time(), time.perf_counter()
        for _ in range(count):
            self.run(x, target)
        return (time.process_time() - cpu) / count, (time.perf_counter() - clock) / count


def main() -> None:
    """Measure and report."""
    args = parse_options(__doc__ or "", 15, names="architectures, by default all")
    torch.set_num_threads(1)
    names = sorted(file.stem for file in (shipped_folder("conf") / "architecture").glob("*.yaml"))
    lines = ["CPU seconds, one thread, medians of n pairs, alternating", HEADER]
    for name in args.names or names:
        lines.append(_row(name, args.rounds))
        print(lines[-1], flush=True)
        gc.collect()
    print_results(__doc__ or "", lines, args.save)


def _row(name: str, rounds: int) -> str:
    """Measure one architecture, and return its row."""
    ours, plain = _networks(name)
    batch = BATCH // 2 if name in SMALLER else BATCH
    x, target = torch.randn(batch, 3, 32, 32), torch.randint(100, (batch,))
    x = x.contiguous(memory_format=torch.channels_last)
    _check_equal(ours, plain, x)
    weight = getattr(ours, "auxiliary_weight", 0.0)
    steps = [
        Step(network, torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9), weight)
        for network in (ours, plain)
    ]
    warm_up = [step.seconds(x, target, 2)[0] for step in steps]
    count = max(1, round(MIN_SECONDS / min(warm_up)))
    rounds *= MORE if min(warm_up) < SHORT else 1
    pairs = [_pair(steps, x, target, count, number % 2 == 1) for number in range(rounds)]
    cpu = [(a[0], b[0]) for a, b in pairs]
    ratios = [a / b for a, b in cpu]
    clock = statistics.median(a[1] / b[1] for a, b in pairs)
    size = sum(parameter.numel() for parameter in ours.parameters())
    medians = [1e3 * statistics.median(column) for column in zip(*cpu, strict=True)]
    spread = f"{statistics.median(ratios):.3f}   ({min(ratios):.3f}, {max(ratios):.3f})"
    row = f"{name:14} {size:11,} {batch:5} {medians[0]:10.2f} {medians[1]:10.2f}   {spread}"
    return f"{row}  {clock:.3f}   {rounds}"


def _pair(
    steps: list[Step], x: Tensor, target: Tensor, count: int, plain_first: bool
) -> tuple[Seconds, Seconds]:
    """Return the times of ablab's network and of the plain one."""
    ours, plain = steps
    if plain_first:
        second = plain.seconds(x, target, count)
        return ours.seconds(x, target, count), second
    return ours.seconds(x, target, count), plain.seconds(x, target, count)


def _networks(name: str) -> tuple[nn.Module, nn.Module]:
    """Return a trial's network and the plain network."""
    module = _plain_module(name, compose([f"architecture={name}"]).resolved()["architecture"])
    overrides = ["dataset=cifar100", f"architecture={name}", *module.COMPONENTS]
    config = compose(overrides).resolved()
    ours, _ = build.network(config, build.datamodule(config), torch.Generator())
    options = {key: value for key, value in config["architecture"].items() if key[0] != "_"}
    plain = module.plain(num_classes=100, **options)
    ours = ours.to(memory_format=torch.channels_last)
    return ours, plain.to(memory_format=torch.channels_last)


def _plain_module(name: str, architecture: Mapping[str, Any]) -> ModuleType:
    """Import the plain file named after the architecture, else after its class's module."""
    module = architecture["_target_"].split(".")[-2]
    return importlib.import_module(f"plain.{name if (PLAIN / f'{name}.py').exists() else module}")


def _check_equal(ours: nn.Module, plain: nn.Module, x: Tensor) -> None:
    """Copy ablab's weights into the plain network, and check that the logits are equal."""
    sizes = [sum(p.numel() for p in network.parameters()) for network in (ours, plain)]
    assert sizes[0] == sizes[1], f"{sizes[0]:,} parameters against {sizes[1]:,}"
    pairs = zip(ours.state_dict().values(), plain.state_dict().values(), strict=True)
    with torch.no_grad():
        for our_tensor, tensor in pairs:
            tensor.copy_(our_tensor.reshape(tensor.shape))
        logits = [network.eval()(x) for network in (ours, plain)]
    torch.testing.assert_close(logits[0], logits[1], rtol=1e-4, atol=1e-4)
    ours.train()
    plain.train()


if __name__ == "__main__":
    main()
