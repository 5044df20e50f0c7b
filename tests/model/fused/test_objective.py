"""The costs of several trials are those of their own objectives."""

import pytest
import torch
from torch import nn

from ablab.components.regularizer.none import none
from ablab.config.compose import components, compose
from ablab.model.builder import Builder
from ablab.model.fused.objective import FusedObjective
from ablab.model.fused.outputs import FusedOutputs
from ablab.model.objective import Objective

TRIALS, IMAGES, CLASSES = 3, 8, 10
LOSSES = sorted(components("loss"))


class Network(nn.Module):
    auxiliary_weight = 0.3


def objectives(*overrides: str, network: nn.Module) -> list[Objective]:
    config = compose(overrides).resolved()
    regularizer = Builder("regularizer", config["regularizer"])
    return [
        Objective(
            Builder("loss", config["loss"])(),
            regularizer(named_params=network.named_parameters()),
        )
        for _ in range(TRIALS)
    ]


def logits_and_target(soft: bool) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(TRIALS * IMAGES, CLASSES, dtype=torch.float64, generator=generator)
    target = torch.randint(CLASSES, (TRIALS * IMAGES,), generator=generator)
    if soft:
        other = torch.randint(CLASSES, (TRIALS * IMAGES,), generator=generator)
        hot = [nn.functional.one_hot(t, CLASSES).double() for t in (target, other)]
        return logits, 0.6 * hot[0] + 0.4 * hot[1]
    return logits, target


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("auxiliary", [False, True])
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss(loss: str, auxiliary: bool, soft: bool):
    network = Network()
    own = objectives(f"loss={loss}", network=network)
    logits, target = logits_and_target(soft)
    output = (logits, logits.flip(0)) if auxiliary else logits
    found = FusedObjective(own, [network] * TRIALS)(output, target)
    assert found.penalties == ()
    assert torch.equal(found.logits, logits)
    for t, objective in enumerate(own):
        rows = slice(t * IMAGES, (t + 1) * IMAGES)
        parts = (logits[rows], logits.flip(0)[rows]) if auxiliary else (logits[rows],)
        expected = objective.evaluate(parts, network, target[rows])
        torch.testing.assert_close(found.costs[t], expected.cost, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(found.losses[t], expected.loss, rtol=1e-12, atol=1e-12)
    evaluated = FusedObjective(own, [network] * TRIALS).losses(logits, target)
    torch.testing.assert_close(evaluated, found.losses, rtol=1e-12, atol=1e-12)


def test_losses_may_have_other_numbers():
    network = Network()
    smoothings = (0.0, 0.1, 0.3)
    own = [Objective(nn.CrossEntropyLoss(label_smoothing=s), none([])) for s in smoothings]
    logits, target = logits_and_target(False)
    found = FusedObjective(own, [network] * TRIALS)(logits, target).losses.tolist()
    rows = zip(smoothings, logits.chunk(TRIALS), target.chunk(TRIALS), strict=True)
    expected = [float(nn.functional.cross_entropy(x, y, label_smoothing=s)) for s, x, y in rows]
    assert found == pytest.approx(expected, rel=1e-12)
    assert len(set(found)) == TRIALS


def test_penalties_are_part_of_the_costs():
    network = nn.Linear(3, 2).double()
    own = objectives("regularizer=l2", network=network)
    logits, target = logits_and_target(False)
    found = FusedObjective(own, [network] * TRIALS)(logits, target)
    penalty = own[0].regularizer.penalty()
    assert penalty is not None
    assert len(found.penalties) == TRIALS
    torch.testing.assert_close(found.costs, found.losses + penalty)


def test_outputs_are_divided_among_the_trials():
    logits, target = logits_and_target(False)
    outputs = FusedOutputs(TRIALS)
    losses = torch.tensor([1.0, torch.nan, 3.0])
    penalties = tuple(torch.tensor(p) for p in (0.1, 0.2, 0.3))
    outputs.add(logits, target, torch.ones(TRIALS), penalties)
    outputs.add(logits, target, losses, penalties)
    assert outputs.are_finite() == [True, False, True]
    third = outputs.by_trial()[2]
    assert torch.equal(torch.cat(third.target), target[2 * IMAGES :].repeat(2))
    assert torch.equal(third.predicted[0], logits[2 * IMAGES :].argmax(1))
    assert torch.stack(third.loss).tolist() == [1.0, 3.0]
    assert torch.stack(third.penalty).tolist() == pytest.approx([0.3, 0.3])


def test_soft_targets_count_as_their_largest_share():
    logits, target = logits_and_target(True)
    outputs = FusedOutputs(TRIALS)
    outputs.add(logits, target, torch.ones(TRIALS))
    assert torch.equal(torch.cat(outputs.by_trial()[0].target), target[:IMAGES].argmax(1))
