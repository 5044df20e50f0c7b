"""A plain PyTorch training loop over tensors in memory, as one would write it without ablab.

It does the work of a trial: training, validation after each epoch, and a test of the last weights
and, if they differ, of the best weights.
"""

import copy

import torch
from torch import Tensor, nn

from ablab.data.batches import Batches
from ablab.data.module import InMemoryDataModule

EVALUATED = 250


class Images:
    """Holds the images of a data set as float tensors, normalized once.

    Args:
        data: the trial's data, with train, validation and test images.
        memory_format: memory format of the batches.
    """

    def __init__(self, data: InMemoryDataModule, memory_format: torch.memory_format) -> None:
        self.memory_format = memory_format
        self.train = self._all(data.train_dataloader())
        self.val = self._all(data.val_dataloader())
        self.test = self._all(data.test_dataloader())

    def _all(self, batches: Batches) -> tuple[Tensor, Tensor]:
        parts = list(batches)
        x = torch.cat([x for x, _ in parts]).contiguous(memory_format=self.memory_format)
        return x, torch.cat([y for _, y in parts])


def evaluate(network: nn.Module, images: tuple[Tensor, Tensor]) -> tuple[float, float]:
    """Return mean loss and accuracy."""
    network.eval()
    loss = correct = 0.0
    with torch.no_grad():
        for x, y in zip(images[0].split(EVALUATED), images[1].split(EVALUATED), strict=True):
            logits = network(x)
            loss += float(nn.functional.cross_entropy(logits, y, reduction="sum"))
            correct += int((logits.argmax(1) == y).sum())
    return loss / len(images[1]), correct / len(images[1])


def train(
    network: nn.Module,
    images: Images,
    *,
    epochs: int,
    batch_size: int,
    lr: float,
    fused: bool | None = None,
) -> float:
    """Train with Adam and return the test accuracy of the best epoch's weights.

    Args:
        network: with its initial weights.
        images: images for training, validation and test.
        epochs: passes over the training images.
        batch_size: images per step; the last partial batch is dropped.
        lr: Adam's learning rate.
        fused: Adam's ``fused``; None is torch's default, not fused on a CPU.
    """
    network = network.to(memory_format=images.memory_format)
    optimizer = torch.optim.Adam(network.parameters(), lr=lr, fused=fused)
    x, y = images.train
    best, best_state, best_epoch = -1.0, {}, -1
    for epoch in range(epochs):
        network.train()
        order = torch.randperm(len(y))
        for step in range(len(y) // batch_size):
            indices = order[step * batch_size : (step + 1) * batch_size]
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(network(x[indices]), y[indices])
            loss.backward()
            optimizer.step()
        accuracy = evaluate(network, images.val)[1]
        if accuracy > best:
            best, best_epoch, best_state = accuracy, epoch, copy.deepcopy(network.state_dict())
    tested = evaluate(network, images.test)[1]
    if best_epoch != epochs - 1:
        network.load_state_dict(best_state)
        tested = evaluate(network, images.test)[1]
    return tested
