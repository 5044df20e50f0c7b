"""What a user would write without ablab: a PyTorch loop over tensors in memory.

It does the work of a trial: training, validation after each epoch, and a test of the last weights
and, where they are others, of the best ones.
"""

import copy

import torch
from torch import Tensor, nn

from ablab.data.batches import Batches
from ablab.data.module import InMemoryDataModule

EVALUATED = 250


class Images:
    """The images of a data set as a bare loop holds them: float tensors, normalised once.

    Args:
        data: where train, validation and test images come from; the same as the trial's.
        memory_format: of the batches.
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
    """Return loss and accuracy."""
    network.eval()
    loss = right = 0.0
    with torch.no_grad():
        for x, y in zip(images[0].split(EVALUATED), images[1].split(EVALUATED), strict=True):
            logits = network(x)
            loss += float(nn.functional.cross_entropy(logits, y, reduction="sum"))
            right += int((logits.argmax(1) == y).sum())
    return loss / len(images[1]), right / len(images[1])


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
        images: what it learns and is tested on.
        epochs: passes over the training images.
        batch_size: images a step; the last partial batch is left out.
        lr: Adam's.
        fused: Adam's; None is what torch takes, which on a CPU is not fused.
    """
    network = network.to(memory_format=images.memory_format)
    optimizer = torch.optim.Adam(network.parameters(), lr=lr, fused=fused)
    x, y = images.train
    best, best_state, best_epoch = -1.0, {}, -1
    for epoch in range(epochs):
        network.train()
        order = torch.randperm(len(y))
        for step in range(len(y) // batch_size):
            chosen = order[step * batch_size : (step + 1) * batch_size]
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(network(x[chosen]), y[chosen])
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
