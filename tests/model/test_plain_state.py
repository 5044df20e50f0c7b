"""Plain attributes of modules are detected, saved and restored."""

from collections import deque
from typing import Any

import torch
from torch import nn

from ablab.model.plain_state import PlainState, set_plain


class Counts(nn.Module):
    """Changes attributes of many types in each call."""

    def __init__(self) -> None:
        super().__init__()
        self.steps, self._share, self.name = 0, 0.5, "calm"
        self.best: float | None = None
        self.history: list[Any] = [1, {"loss": 2.0}]
        self.seen = torch.zeros(2)
        self.recent: deque[int] = deque()
        self.constant = torch.arange(1000)
        self.inner = nn.LSTM(3, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.steps += 1
        self._share *= 0.5
        self.name, self.best = "busy", 1.5
        self.history[1]["loss"] = 1.0
        self.history.append((3, None))
        self.seen = self.seen + x
        self.inner.temperature = 7
        self.recent.append(1)
        self.last = x
        return x


def test_only_changed_attributes_are_returned() -> None:
    module = nn.Sequential(Counts(), nn.Dropout())
    state = PlainState(module)
    assert state.changed() == {}
    module(torch.ones(2))
    changes = state.changed()
    assert changes.keys() == {"0", "0.inner"}
    assert changes["0.inner"] == {"temperature": 7}
    tensors = [changes["0"].pop(name) for name in ("seen", "last")]
    assert all(t.equal(torch.ones(2)) for t in tensors)
    assert changes["0"] == {
        "steps": 1,
        "_share": 0.25,
        "name": "busy",
        "best": 1.5,
        "history": [1, {"loss": 1.0}, (3, None)],
    }


def test_another_network_continues_from_the_changes() -> None:
    first, second = nn.Sequential(Counts()), nn.Sequential(Counts())
    state = PlainState(first)
    first(torch.ones(2))
    set_plain(second, state.changed())
    for module in (first, second):
        module(torch.ones(2))
    assert second[0].steps == 2
    assert second[0].seen.equal(first[0].seen)
    assert second[0].history == first[0].history
    assert second[0].inner.temperature == 7


def test_returned_changes_are_copies() -> None:
    module = Counts()
    state = PlainState(module)
    module(torch.ones(2))
    changes = state.changed()
    module(torch.ones(2))
    assert changes[""]["steps"] == 1
    assert changes[""]["history"] == [1, {"loss": 1.0}, (3, None)]


def test_restore_undoes_all_changes() -> None:
    module = Counts()
    state = PlainState(module)
    module(torch.ones(2))
    state.restore()
    assert state.changed() == {}
    assert (module.steps, module.name, module.best) == (0, "calm", None)
    assert module.history == [1, {"loss": 2.0}]
    assert not hasattr(module, "last")
    assert not hasattr(module.inner, "temperature")
    module(torch.ones(2))
    state.restore()
    assert module.history == [1, {"loss": 2.0}]


def test_a_tensor_that_depends_on_weights_is_ignored() -> None:
    module = nn.Linear(2, 2)
    module.out = module(torch.ones(2))
    assert PlainState(module).changed() == {}
