"""The training that Optuna and Ray Tune run: a plain loop over MNIST in memory.

It does the work of an ablab trial: an epoch of training, validation, and a test. It imports torch
alone, and reads tensors that `against_optuna_ray.py` has written.
"""

import itertools
from pathlib import Path
from typing import Any

import torch
from torch import nn

BATCH = 128
EVALUATED = 250
Images = dict[str, torch.Tensor]


def read_images(path: Path) -> Images:
    """Return normalized images and labels of each part, mapped into memory."""
    images: Images = torch.load(path, weights_only=True, mmap=True)
    return images


def mlp() -> nn.Module:
    """Return the network of the trials: 784-64-128-64-10 with batch normalization."""
    sizes = (784, 64, 128, 64)
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], 10))


def train(images: Images, lr: float, seed: int) -> float:
    """Train for one epoch and return the test accuracy."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(seed)
    network = mlp()
    optimizer = torch.optim.Adam(network.parameters(), lr=lr, fused=True)
    x, y = images["train_x"], images["train_y"]
    order = torch.randperm(len(y), generator=generator)
    for step in range(len(y) // BATCH):
        indices = order[step * BATCH : (step + 1) * BATCH]
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x[indices]), y[indices]).backward()
        optimizer.step()
    _evaluate(network, images, "val")
    return _evaluate(network, images, "test")


@torch.no_grad()
def _evaluate(network: nn.Module, images: Images, part: str) -> float:
    network.eval()
    correct, x, y = 0, images[f"{part}_x"], images[f"{part}_y"]
    for batch, labels in zip(x.split(EVALUATED), y.split(EVALUATED), strict=True):
        correct += int((network(batch).argmax(1) == labels).sum())
    return correct / len(y)


def learning_rates(count: int) -> list[float]:
    """Return the learning rates of the trials, 1e-4 to 1e-2."""
    return [1e-4 * 100 ** (number / max(1, count - 1)) for number in range(count)]


def report(values: Any) -> None:
    """Print how many trials have a result, which the benchmark checks."""
    accuracies = [float(value) for value in values]
    print(len(accuracies), max(accuracies))
