"""The network of several trials computes what their own networks compute."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from small_networks import NETWORKS, chosen
from torch import Tensor, nn

from ablab.config.compose import components, compose
from ablab.model import build
from ablab.model.classifier import Classifier
from ablab.model.fused.layers import EachOwn, FusedBatchNorm, FusedDropout, FusedLinear
from ablab.model.fused.network import FusedNetwork

TRIALS, IMAGES = 3, 4
LARGE = {"googlenet", "inception_v3"}  # trained in training/fused/test_update.py


def classifiers(overrides: Sequence[str]) -> list[Classifier]:
    """Return the classifiers of consecutive seeds, in float64."""
    base = compose(["dataset=digits", *overrides])
    configs = [base.with_values({"seed": seed}).resolved() for seed in range(TRIALS)]
    return [build.classifier(c, build.datamodule(c)).double() for c in configs]


def images() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(TRIALS, IMAGES, 1, 32, 32, dtype=torch.float64, generator=generator)


def seed_dropout(modules: Sequence[Classifier]) -> None:
    for number, module in enumerate(modules):
        module.dropout_generator.manual_seed(number)


def outputs(of: Any) -> tuple[Tensor, ...]:
    return of if isinstance(of, tuple) else (of,)


def compare(overrides: Sequence[str]) -> FusedNetwork:
    """Check outputs, gradients and statistics of a training step, and outputs of evaluation."""
    separate, together, x = classifiers(overrides), classifiers(overrides), images()
    fused = FusedNetwork([module.network for module in together])
    weights = torch.cat([p.flatten() for p in separate[1].network.parameters()])
    assert torch.equal(fused.weights[1, : len(weights)], weights)
    assert not fused.weights[:, len(weights) :].any()
    for module in (*separate, fused):
        module.train()
    seed_dropout(separate)
    own = [outputs(m.network(own)) for m, own in zip(separate, x, strict=True)]
    seed_dropout(together)
    found = outputs(fused(x.flatten(0, 1)))
    for each, all_rows in zip(zip(*own, strict=True), found, strict=True):
        torch.testing.assert_close(all_rows, torch.cat(each), rtol=1e-9, atol=1e-9)
    sum((y**2).sum() for each in own for y in each).backward()
    sum((y**2).sum() for y in found).backward()
    fused.gather_gradients()
    gradients = torch.stack(
        [torch.cat([p.grad.flatten() for p in m.network.parameters()]) for m in separate]
    )
    scale = float(gradients.abs().max())
    assert scale > 0
    found_gradients = fused.gradients[:, : len(weights)]
    torch.testing.assert_close(found_gradients, gradients, rtol=1e-9, atol=1e-9 * scale)
    for a, b in zip(separate, together, strict=True):
        state = b.network.state_dict()
        for name, value in a.network.state_dict().items():
            torch.testing.assert_close(state[name], value, rtol=1e-9, atol=1e-9)
    for module in (*separate, fused):
        module.eval()
    with torch.no_grad():
        rows = outputs(fused(x.flatten(0, 1)))[0].unflatten(0, (TRIALS, -1))
        for module, own_x, y in zip(separate, x, rows, strict=True):
            expected = outputs(module.network(own_x))[0]
            torch.testing.assert_close(y, expected, rtol=1e-9, atol=1e-9)
    return fused


def kinds(fused: FusedNetwork) -> list[type]:
    return [type(module) for module in fused.modules()]


@pytest.mark.parametrize("name", sorted(NETWORKS.keys() - LARGE))
def test_every_architecture(name: str):
    compare([*chosen(name), "normalization=batch"])


@pytest.mark.parametrize("activation", sorted(components("activation")))
def test_every_activation(activation: str):
    fused = compare(["architecture=mlp", "architecture.widths=[9,7]", f"activation={activation}"])
    assert kinds(fused).count(FusedLinear) == 3


@pytest.mark.parametrize("normalization", sorted(components("normalization")))
@pytest.mark.parametrize("architecture", ["architecture.widths=[32,16]", "lenet5"])
def test_every_normalization(normalization: str, architecture: str):
    chosen = [architecture, "architecture=mlp"] if "=" in architecture else ["architecture=lenet5"]
    compare([*chosen, f"normalization={normalization}", "dropout=dropout"])


@pytest.mark.parametrize("pooling", sorted(components("pooling")))
def test_every_pooling(pooling: str):
    compare(["architecture=lenet5", f"pooling={pooling}"])


def test_layers_are_one_where_that_pays():
    fused = compare(["architecture=mlp", "normalization=batch", "dropout=dropout"])
    assert EachOwn not in kinds(fused)
    assert {FusedLinear, FusedBatchNorm, FusedDropout} <= set(kinds(fused))


def test_dropout_has_the_rate_of_each_trial():
    together = classifiers(["architecture=mlp", "dropout=dropout"])
    rates = (0.0, 0.2, 0.7)
    for module, p in zip(together, rates, strict=True):
        next(m for m in module.network.modules() if hasattr(m, "p")).p = p
    dropouts = [next(m for m in t.network.modules() if hasattr(m, "p")) for t in together]
    x = torch.ones(TRIALS, 50, 400, dtype=torch.float64)
    zeros = (FusedDropout(dropouts)(x) == 0).double().mean((1, 2))
    assert zeros[0] == 0
    torch.testing.assert_close(zeros, torch.tensor(rates).double(), atol=0.02, rtol=0)


def test_a_regularizer_adds_to_the_gradients_of_its_own_trial():
    together = classifiers(["architecture=mlp", "regularizer=l2"])
    fused = FusedNetwork([module.network for module in together])
    outputs(fused(images().flatten(0, 1)))[0].sum().backward()
    fused.gather_gradients()
    before = fused.gradients.clone()
    outputs(fused(images().flatten(0, 1)))[0].sum().backward()
    penalty = together[1].regularizer.penalty()
    assert penalty is not None
    penalty.backward()
    fused.gather_gradients()
    assert torch.equal(fused.gradients[[0, 2]], before[[0, 2]])
    names = [name for name, _ in together[1].network.named_parameters()]
    sizes = [p.numel() for p in together[1].network.parameters()]
    added = (fused.gradients[1] - before[1])[: sum(sizes)].split(sizes)
    strength = together[1].regularizer.strength
    for name, own, parameter in zip(names, added, together[1].network.parameters(), strict=True):
        expected = strength * parameter.flatten() if name.endswith("weight") else 0 * own
        torch.testing.assert_close(own, expected, rtol=1e-9, atol=1e-12)


def test_a_weight_without_a_gradient_is_refused():
    class Unused(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused = nn.Conv2d(1, 2, 3), nn.Conv2d(1, 2, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.used(x)

    fused = FusedNetwork([Unused().double() for _ in range(TRIALS)])
    fused(images().flatten(0, 1)).sum().backward()
    with pytest.raises(RuntimeError, match="every weight must be used in each step"):
        fused.gather_gradients()


def test_a_trial_whose_weights_are_nan_changes_no_other():
    x = images()
    results = []
    for broken in (False, True):
        together = classifiers(["architecture=mlp", "normalization=batch"])
        fused = FusedNetwork([module.network for module in together])
        if broken:
            with torch.no_grad():
                fused.weights[1] = torch.nan
        y = fused(x.flatten(0, 1))
        y.sum().backward()
        fused.gather_gradients()
        results.append((y.unflatten(0, (TRIALS, -1))[[0, 2]], fused.gradients[[0, 2]]))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])


def test_a_trial_does_not_depend_on_how_many_train_with_it():
    x = images()
    found = []
    for count in (1, 2, TRIALS):
        together = classifiers(["architecture=mlp", "normalization=batch", "dropout=dropout"])
        fused = FusedNetwork([module.network for module in together[:count]])
        seed_dropout(together)
        y = fused(x[:count].flatten(0, 1))
        y.pow(2).sum().backward()
        fused.gather_gradients()
        found.append((y[:IMAGES], fused.gradients[0]))
    assert torch.equal(found[1][0], found[2][0])
    assert torch.equal(found[1][1], found[2][1])
    # Products of a single pair of matrices may end in other last digits than those of several.
    torch.testing.assert_close(found[0], found[1], rtol=1e-12, atol=1e-12)
