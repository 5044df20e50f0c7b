"""Tests of the NARX network."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import Parts, axes_used, network, num_parameters


def test_it_uses_these_axes() -> None:
    assert axes_used("narx") == {"activation", "dropout"}


def test_number_of_parameters_follows_the_formula() -> None:
    module = network("narx", in_channels=3, image_size=28, hidden=50, input_delays=2)
    assert num_parameters(module) == 50 * (3 * 28 * 3 + 4 * 10 + 1) + 50 * 10 + 10


@settings(derandomize=True, deadline=None, max_examples=30)
@given(
    st.integers(1, 6), st.integers(0, 4), st.integers(1, 4), st.sampled_from(["last", "average"])
)
def test_outputs_follow_the_difference_equation(
    size: int, input_delays: int, output_delays: int, readout: str
) -> None:
    delays = {"input_delays": input_delays, "output_delays": output_delays}
    module = network(
        "narx", Parts(activation="tanh"), image_size=size, hidden=5, readout=readout, **delays
    ).double()
    weights = {name: p.detach().numpy() for name, p in module.named_parameters()}
    x = torch.randn(1, 1, size, size, dtype=torch.float64)
    u, K = x[0, 0].numpy(), 10
    outputs: list[np.ndarray] = []
    for t in range(size):
        hidden = weights["input.bias"].copy()
        for delay in range(input_delays + 1):
            if t - delay >= 0:
                hidden += weights["input.weight"][:, :, input_delays - delay] @ u[t - delay]
        for delay in range(1, output_delays + 1):
            if t - delay >= 0:
                tap = slice((output_delays - delay) * K, (output_delays - delay + 1) * K)
                hidden += weights["feedback.weight"][:, tap] @ outputs[t - delay]
        outputs.append(weights["output.weight"] @ np.tanh(hidden) + weights["output.bias"])
    expected = outputs[-1] if readout == "last" else np.mean(outputs, 0)
    np.testing.assert_allclose(module(x)[0].detach().numpy(), expected, rtol=1e-10, atol=1e-12)


def test_without_feedback_the_last_output_depends_on_the_input_delays_alone() -> None:
    module = network("narx", image_size=8, input_delays=2)
    x = torch.randn(1, 1, 8, 8, requires_grad=True)
    module(x).sum().backward()
    assert x.grad is not None
    assert x.grad[0, 0, 0].any()
    torch.nn.init.zeros_(module.feedback.weight)
    x.grad = None
    module(x).sum().backward()
    assert x.grad is not None
    assert not x.grad[0, 0, :5].any()
    assert x.grad[0, 0, 5:].any()


@pytest.mark.parametrize(
    ("option", "fault"),
    [
        ({"input_delays": -1}, "input_delays must be an integer >= 0, got -1"),
        ({"output_delays": 0}, "output_delays must be an integer >= 1, got 0"),
        ({"hidden": 2.0}, "hidden must be an integer >= 1, got 2.0"),
        ({"readout": "first"}, "readout must be one of last, average, got first"),
    ],
)
def test_an_invalid_option_is_refused(option: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        network("narx", image_size=8, **option)
