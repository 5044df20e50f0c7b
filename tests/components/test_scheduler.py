"""The contract of every scheduler, and their closed forms."""

import math

import pytest
import torch
from contract import build
from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import (
    ExponentialLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    ReduceLROnPlateau,
)

PEAK = 0.4


def sgd(*lrs: float) -> SGD:
    groups = [{"params": [nn.Parameter(torch.ones(1))], "lr": lr} for lr in lrs or (PEAK,)]
    optimizer = SGD(groups, lr=PEAK, momentum=0.9)
    for group in optimizer.param_groups:
        group["params"][0].grad = torch.zeros(1)
    return optimizer


def advance(scheduler: LRScheduler, loss: float = 1.0) -> None:
    """Take a scheduler's step; plateau's gets a loss, which does not improve."""
    scheduler.step(*[loss] if isinstance(scheduler, ReduceLROnPlateau) else [])


def trajectory(name: str, total_steps: int, **options: object) -> list[float]:
    """Return the lr of each optimizer step, and the one after the last."""
    optimizer = sgd()
    chosen = build("scheduler", name, optimizer=optimizer, total_steps=total_steps, **options)
    lrs = []
    for _ in range(total_steps):
        lrs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        advance(chosen)
    return [*lrs, optimizer.param_groups[0]["lr"]]


@pytest.mark.parametrize("total_steps", [1, 2, 3, 4, 10, 97])
def test_lr_stays_between_zero_and_the_optimizers_own(scheduler: str, total_steps: int) -> None:
    lrs = trajectory(scheduler, total_steps)
    assert all(math.isfinite(lr) and 0 <= lr <= PEAK * (1 + 1e-12) for lr in lrs)
    assert all(lr > 0 for lr in lrs[:-1])


def test_groups_keep_their_proportion(scheduler: str) -> None:
    optimizer = sgd(0.4, 0.1)
    chosen = build("scheduler", scheduler, optimizer=optimizer, total_steps=10)
    for _ in range(10):
        first, second = (group["lr"] for group in optimizer.param_groups)
        assert first == pytest.approx(4 * second)
        optimizer.step()
        advance(chosen)


def test_momentum_is_not_changed(scheduler: str) -> None:
    optimizer = sgd()
    chosen = build("scheduler", scheduler, optimizer=optimizer, total_steps=10)
    for _ in range(10):
        assert optimizer.param_groups[0]["momentum"] == 0.9
        optimizer.step()
        advance(chosen)


@pytest.mark.parametrize("stop", [1, 4, 9])
def test_resumed_trajectory_is_the_same(scheduler: str, stop: int) -> None:
    optimizer = sgd()
    chosen = build("scheduler", scheduler, optimizer=optimizer, total_steps=10)
    lrs = []
    for step in range(10):
        if step == stop:
            states = optimizer.state_dict(), chosen.state_dict()
            optimizer = sgd()
            chosen = build("scheduler", scheduler, optimizer=optimizer, total_steps=10)
            optimizer.load_state_dict(states[0])
            chosen.load_state_dict(states[1])
        lrs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        advance(chosen)
    assert lrs == trajectory(scheduler, 10)[:-1]


def stepped(theirs: LRScheduler, steps: int) -> list[float]:
    """Return the lr of each step, and the one after the last, under one of torch's schedulers."""
    lrs = []
    for _ in range(steps):
        lrs.append(theirs.optimizer.param_groups[0]["lr"])
        theirs.optimizer.step()
        theirs.step()
    return [*lrs, theirs.optimizer.param_groups[0]["lr"]]


def test_constant_keeps_the_lr() -> None:
    assert trajectory("constant", 20) == [PEAK] * 21


@pytest.mark.parametrize("eta_min", [0.0, 0.1])
def test_cosine_follows_its_closed_form(eta_min: float) -> None:
    expected = [
        eta_min + (PEAK - eta_min) * (1 + math.cos(math.pi * step / 50)) / 2 for step in range(51)
    ]
    assert trajectory("cosine", 50, eta_min=eta_min) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("eta_min", [-0.1, 0.5])
def test_cosine_refuses_an_end_outside_its_range(eta_min: float) -> None:
    with pytest.raises(ValueError, match=r"eta_min must be in \[0, optimizer.lr = 0.4\], got"):
        build("scheduler", "cosine", optimizer=sgd(), total_steps=10, eta_min=eta_min)


@pytest.mark.parametrize("total_steps", [2, 3, 5, 9, 20, 101])
@pytest.mark.parametrize("pct_start", [0.25, 0.3, 0.7])
def test_one_cycle_is_torchs_with_the_peak_at_the_optimizers_lr(
    total_steps: int, pct_start: float
) -> None:
    optimizer = sgd()
    theirs = OneCycleLR(
        optimizer, PEAK, total_steps=total_steps, pct_start=pct_start, cycle_momentum=False
    )
    expected = []
    for _ in range(total_steps):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    found = trajectory("one_cycle", total_steps, pct_start=pct_start)[:-1]
    assert found == pytest.approx(expected, rel=1e-9)


def test_one_cycle_has_the_stated_start_peak_and_end() -> None:
    lrs = trajectory("one_cycle", 100)
    assert lrs[0] == pytest.approx(PEAK / 25)
    assert lrs.index(max(lrs)) == 29
    assert lrs[29] == pytest.approx(PEAK)
    assert lrs[99] == pytest.approx(PEAK / 25 / 10_000)
    assert lrs[100] == lrs[99]


def test_one_cycle_works_with_a_rise_of_one_step() -> None:
    assert trajectory("one_cycle", 4, pct_start=0.25)[0] == pytest.approx(PEAK)


@pytest.mark.parametrize(
    ("option", "value", "rule"),
    [
        ("pct_start", 0.0, r"in \(0, 1\)"),
        ("pct_start", 1.0, r"in \(0, 1\)"),
        ("div_factor", 0.5, ">= 1"),
        ("final_div_factor", 0.0, ">= 1"),
    ],
)
def test_one_cycle_refuses_values_out_of_range(option: str, value: float, rule: str) -> None:
    with pytest.raises(ValueError, match=f"{option} must be {rule}, got {value}"):
        build("scheduler", "one_cycle", optimizer=sgd(), total_steps=10, **{option: value})


@pytest.mark.parametrize("total_steps", [3, 10, 97])
def test_step_drops_after_each_fraction(total_steps: int) -> None:
    distance = round(0.25 * total_steps)
    expected = [PEAK * 0.1 ** (step // distance) for step in range(total_steps + 1)]
    assert trajectory("step", total_steps) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("total_steps", [5, 20, 101])
def test_multi_step_is_torchs_with_milestones_as_fractions(total_steps: int) -> None:
    milestones = [round(fraction * total_steps) for fraction in (0.3, 0.6, 0.8)]
    expected = stepped(MultiStepLR(sgd(), milestones, 0.2), total_steps)
    assert trajectory("multi_step", total_steps) == pytest.approx(expected, rel=1e-12)


def test_multi_step_starts_with_the_warmup() -> None:
    lrs = trajectory("multi_step", 100, warmup=0.04)
    assert lrs[:6] == pytest.approx([PEAK * k / 5 for k in (1, 2, 3, 4, 5, 5)])
    assert lrs[4:] == pytest.approx(trajectory("multi_step", 100)[4:])


@pytest.mark.parametrize("then", ["constant", "cosine"])
def test_warmup_rises_linearly_and_continues_as_stated(then: str) -> None:
    lrs = trajectory("warmup", 100, warmup=0.2, then=then)
    assert lrs[:21] == pytest.approx([PEAK * (k + 1) / 21 for k in range(21)])
    expected = trajectory(then, 80)
    assert lrs[20:] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("then", ["constant", "cosine"])
def test_without_warmup_it_is_the_following_schedule(then: str) -> None:
    found = trajectory("warmup", 30, warmup=0.0, then=then)
    assert found == pytest.approx(trajectory(then, 30), abs=1e-12)


def test_exponential_is_torchs_and_ends_at_final_factor() -> None:
    lrs = trajectory("exponential", 50, final_factor=0.01)
    assert lrs == pytest.approx(stepped(ExponentialLR(sgd(), 0.01 ** (1 / 50)), 50), rel=1e-12)
    assert lrs[-1] == pytest.approx(0.01 * PEAK)


def test_plateau_decays_after_its_patience() -> None:
    optimizer = sgd()
    chosen = build("scheduler", "plateau", optimizer=optimizer, total_steps=10)
    lrs = []
    for loss in (1.0, 0.5, 0.5, 0.6, 0.7, 0.5, 0.4):
        advance(chosen, loss)
        lrs.append(optimizer.param_groups[0]["lr"])
    assert lrs == pytest.approx([PEAK] * 4 + [PEAK / 10] * 3)


@pytest.mark.parametrize(
    ("name", "option", "value", "rule"),
    [
        ("step", "step_size", 0.0, r"in \(0, 1\)"),
        ("step", "gamma", 1.5, r"in \(0, 1\]"),
        ("multi_step", "milestones", [0.3, 1.0], r"in \(0, 1\)"),
        ("multi_step", "milestones", [0.6, 0.3], "ascending"),
        ("multi_step", "gamma", 0.0, r"in \(0, 1\]"),
        ("multi_step", "warmup", 1.0, r"in \[0, 1\)"),
        ("warmup", "warmup", -0.1, r"in \[0, 1\)"),
        ("warmup", "then", "step", "one of constant, cosine"),
        ("exponential", "final_factor", 0.0, r"in \(0, 1\]"),
    ],
)
def test_values_out_of_range_are_refused(name: str, option: str, value: object, rule: str) -> None:
    with pytest.raises(ValueError, match=f"{option} must be {rule}, got "):
        build("scheduler", name, optimizer=sgd(), total_steps=10, **{option: value})
