"""Recurrent networks, update rules and running means by hand, against torch and closed forms."""

from typing import Any

import numpy as np
import pytest
import torch
from against import agree, quickly, random
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter

from ablab.reference import average, recurrent, update

SIZES = st.tuples(*[st.integers(1, 4)] * 5)  # T, N, D, H, K


def network(d: int, h: int, k: int) -> recurrent.Weights:
    return recurrent.Weights(
        random(0, h, h), random(1, h, d), random(2, h), random(3, k, h), random(4, k)
    )


@quickly
@given(SIZES)
def test_recurrent_network_and_both_its_gradients_are_torchs(sizes: tuple[int, ...]) -> None:
    t, n, d, h, k = sizes
    weights, x, dy = network(d, h, k), random(5, t, n, d), random(6, t, n, k)
    rnn, readout = torch.nn.RNN(d, h).double(), torch.nn.Linear(h, k).double()
    theirs = [rnn.weight_hh_l0, rnn.weight_ih_l0, rnn.bias_ih_l0, readout.weight, readout.bias]
    with torch.no_grad():
        rnn.bias_hh_l0.zero_()
        for parameter, value in zip(theirs, weights, strict=True):
            parameter.copy_(torch.tensor(value))
    y = readout(rnn(torch.tensor(x))[0])
    y.backward(torch.tensor(dy))
    states = recurrent.states(x, weights)
    agree(recurrent.outputs(states, weights), y.detach().numpy())
    for gradient in (recurrent.through_time, recurrent.real_time):
        for ours, parameter in zip(gradient(dy, x, states, weights), theirs, strict=True):
            agree(ours, parameter.grad)


def test_both_gradients_are_equal_with_a_loss_of_the_last_step() -> None:
    weights, x = network(3, 5, 2), random(0, 9, 4, 3)
    dy = np.zeros((9, 4, 2))
    dy[-1] = random(1, 4, 2)
    states = recurrent.states(x, weights)
    for one, other in zip(
        recurrent.through_time(dy, x, states, weights),
        recurrent.real_time(dy, x, states, weights),
        strict=True,
    ):
        agree(one, other)


Rule = tuple[str, Any, int, dict[str, float]]
RULES: list[Rule] = [
    ("gradient_descent", lambda p: torch.optim.SGD(p, lr=0.1), 0, {"lr": 0.1}),
    (
        "momentum",
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8),
        1,
        {"lr": 0.1, "beta": 0.8},
    ),
    ("adagrad", lambda p: torch.optim.Adagrad(p, lr=0.2, eps=1e-7), 1, {"lr": 0.2, "eps": 1e-7}),
    (
        "adadelta",
        lambda p: torch.optim.Adadelta(p, lr=0.7, rho=0.95, eps=1e-4),
        2,
        {"lr": 0.7, "rho": 0.95, "eps": 1e-4},
    ),
    (
        "adam",
        lambda p: torch.optim.Adam(p, lr=0.05, betas=(0.8, 0.99), eps=1e-6),
        2,
        {"lr": 0.05, "beta1": 0.8, "beta2": 0.99, "eps": 1e-6},
    ),
]


@pytest.mark.parametrize("rule", RULES)
@quickly
@given(shape=st.tuples(st.integers(1, 4), st.integers(1, 4)), seed=st.integers(0, 99))
def test_update_rules_are_torchs(rule: Rule, shape: tuple[int, int], seed: int) -> None:
    name, torchs, num_states, options = rule
    w = random(seed, *shape)
    parameter = torch.nn.Parameter(torch.tensor(w))
    optimizer = torchs([parameter])
    states = [np.zeros(shape)] * num_states
    for t in range(1, 8):
        g = random(seed + t, *shape)
        parameter.grad = torch.tensor(g)
        optimizer.step()
        number = (t,) if name == "adam" else ()
        found = getattr(update, name)(w, g, *states, *number, **options)
        w, *states = found if isinstance(found, tuple) else (found,)
        agree(w, parameter.detach().numpy())


def test_adam_counts_steps_from_one() -> None:
    with pytest.raises(ValueError, match="t must be >= 1, got 0"):
        update.adam(*[np.ones(2)] * 4, 0)


@quickly
@given(st.integers(1, 30), st.sampled_from([0.0, 0.5, 0.9, 0.999]))
def test_weighted_mean_is_the_recursive_filter(length: int, beta: float) -> None:
    x = random(0, length, 2)
    expected = lfilter([1 - beta], [1, -beta], x, axis=0)
    agree(average.weighted_mean(x, beta, corrected=False), expected)
    weights = (1 - beta) * beta ** np.arange(length)[::-1]
    agree(average.weighted_mean(x, beta)[-1], weights @ x / weights.sum())


def test_corrected_mean_of_a_constant_is_the_constant() -> None:
    agree(average.weighted_mean(np.full(20, 3.0), 0.99), np.full(20, 3.0))


@pytest.mark.parametrize(
    ("beta", "expected"), [(0.9, 10), (0.9005, 10.050251256281406), (0.999, 1000), (0.9995, 2000)]
)
def test_window_is_a_hyperbola(beta: float, expected: float) -> None:
    assert average.window(beta) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("beta", [-0.1, 1.0])
def test_beta_out_of_range_is_refused(beta: float) -> None:
    for refused in (lambda: average.window(beta), lambda: average.weighted_mean(np.ones(2), beta)):
        with pytest.raises(ValueError, match=r"beta must be in \[0, 1\), got"):
            refused()
