"""Plain attributes of modules: seen, saved and put back."""

from collections import deque
from typing import Any

import torch
from torch import nn

from ablab.model.plain_state import PlainState, set_plain


class Counts(nn.Module):
    """Changes attributes of many kinds when it is called."""

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


def test_what_has_changed_is_found_and_nothing_else() -> None:
    module = nn.Sequential(Counts(), nn.Dropout())
    state = PlainState(module)
    assert state.changed() == {}
    module(torch.ones(2))
    found = state.changed()
    assert found.keys() == {"0", "0.inner"}
    assert found["0.inner"] == {"temperature": 7}
    tensors = [found["0"].pop(name) for name in ("seen", "last")]
    assert all(t.equal(torch.ones(2)) for t in tensors)
    assert found["0"] == {
        "steps": 1,
        "_share": 0.25,
        "name": "busy",
        "best": 1.5,
        "history": [1, {"loss": 1.0}, (3, None)],
    }


def test_another_network_goes_on_from_what_was_found() -> None:
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


def test_what_was_found_does_not_change_with_the_network() -> None:
    module = Counts()
    state = PlainState(module)
    module(torch.ones(2))
    found = state.changed()
    module(torch.ones(2))
    assert found[""]["steps"] == 1
    assert found[""]["history"] == [1, {"loss": 1.0}, (3, None)]


def test_restoring_leaves_no_trace() -> None:
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


def test_a_tensor_that_depends_on_weights_is_left_alone() -> None:
    module = nn.Linear(2, 2)
    module.out = module(torch.ones(2))
    assert PlainState(module).changed() == {}
