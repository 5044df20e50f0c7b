"""What building without weights tells of auxiliary logits."""

from collections.abc import Callable

import pytest

from ablab.training.compose import compose
from ablab.training.faults import ConfigError
from ablab.training.rehearsal import rehearse

NETWORK = """
import torch
from torch import nn
class Net(nn.Module):
    {weight}
    def __init__(self, num_classes):
        super().__init__()
        self.main, self.further = nn.Linear(1024, num_classes), nn.Linear(1024, {further})
    def forward(self, x):
        x = x.flatten(1)
        return (self.main(x), self.further(x)) if {when} else self.main(x)
"""


def rehearsed(mine: Callable, **words: str) -> frozenset[str]:
    plain = {"weight": "auxiliary_weight = 0.3", "further": "num_classes", "when": "self.training"}
    mine(NETWORK.format(**{**plain, **words}))
    return rehearse({**compose().resolved(), "architecture": {"_target_": "mine.Net"}})


def test_auxiliary_logits_in_training_are_served(mine: Callable) -> None:
    assert rehearsed(mine) == frozenset()


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ({"weight": "pass"}, "must have a number auxiliary_weight for its auxiliary logits, got"),
        ({"further": "num_classes + 1"}, r"must return \(N, 10\) logits, got \(2, 11\)"),
        ({"when": "True"}, r"must return \(N, 10\) logits, got \(\) for N=2"),
    ],
)
def test_auxiliary_logits_that_break_the_contract_are_told(
    mine: Callable, words: dict[str, str], fault: str
) -> None:
    with pytest.raises(ConfigError, match=f"architecture {fault}"):
        rehearsed(mine, **words)
