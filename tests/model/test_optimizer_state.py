"""Every optimizer's state can be saved and loaded, and training resumes bit-equal."""

import copy
import io
from typing import Any

import pytest
import torch
import yaml
from torch import nn

from ablab.config.compose import components
from ablab.model.builder import Builder

# Hydra passes lists where torch expects tuples; kept as such, checkpoints could not be loaded.
PAIRS: dict[str, dict[str, Any]] = {
    "RAdam": {"betas": [0.8, 0.99]},
    "NAdam": {"betas": [0.8, 0.99]},
    "Adamax": {"betas": [0.8, 0.99]},
    "AdamW": {"betas": [0.8, 0.99]},
    "Rprop": {"etas": [0.5, 1.2], "step_sizes": [1e-6, 50]},
    "Adafactor": {"eps": [1e-8, 1e-3]},
}
NODES = [
    *(yaml.safe_load(path.read_text()) for path in components("optimizer").values()),
    *({"_target_": f"torch.optim.{name}", **values} for name, values in PAIRS.items()),
]


def _train(network: nn.Module, optimizer: Any, steps: range) -> None:
    for step in steps:
        x = torch.randn(4, 6, generator=torch.Generator().manual_seed(step))

        def cost(x: torch.Tensor = x) -> torch.Tensor:
            optimizer.zero_grad()
            loss = network(x).square().mean()
            torch.autograd.backward(loss)
            return loss

        optimizer.step(cost)


@pytest.mark.parametrize("node", NODES, ids=lambda node: node["_target_"].rpartition(".")[2])
def test_training_resumes_from_a_saved_state(node: dict[str, Any]) -> None:
    make = Builder("optimizer", node)
    network = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3))
    optimizer = make(named_params=network.named_parameters())
    if hasattr(optimizer, "train"):
        optimizer.train()
    _train(network, optimizer, range(3))
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    resumed = copy.deepcopy(network)
    other = make(named_params=resumed.named_parameters())
    other.load_state_dict(torch.load(file, weights_only=True))
    if hasattr(other, "train"):
        other.train()
    for weights, steps in ((network, optimizer), (resumed, other)):
        _train(weights, steps, range(3, 6))
    for own, continued in zip(network.parameters(), resumed.parameters(), strict=True):
        assert own.equal(continued)
