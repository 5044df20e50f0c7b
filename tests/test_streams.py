"""Streams are functions of (seed, stream, position) alone."""

import hashlib

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ablab.streams import derive, fork_rng, generator

STREAMS = ["split", "init", "order", "augmentation", "dropout"]
POSITIONS = st.tuples(
    st.integers(-(2**70), 2**70),
    st.sampled_from(STREAMS),
    st.lists(st.integers(0, 10**6), max_size=2).map(tuple),
)


@given(POSITIONS)
def test_seed_is_the_head_of_a_sha256(at: tuple[int, str, tuple[int, ...]]) -> None:
    seed, stream, position = at
    text = "/".join([str(seed), stream, *(str(part) for part in position)])
    head = int(hashlib.sha256(text.encode()).hexdigest()[:16], 16)
    assert derive(seed, stream, *position) == head // 2
    assert 0 <= derive(seed, stream, *position) < 2**63


@given(POSITIONS, POSITIONS)
def test_different_positions_have_different_seeds(
    one: tuple[int, str, tuple[int, ...]], other: tuple[int, str, tuple[int, ...]]
) -> None:
    seeds = [derive(seed, stream, *position) for seed, stream, position in (one, other)]
    assert (seeds[0] == seeds[1]) == (one == other)


def test_digits_of_a_position_are_separated() -> None:
    positions = [(1, 11), (11, 1), (111,), (1, 1, 1)]
    assert len({derive(0, "order", *position) for position in positions}) == len(positions)


def test_first_draws_of_close_seeds_look_independent() -> None:
    draws = [torch.rand(1, generator=generator(seed, "init")).item() for seed in range(2000)]
    assert stats.kstest(draws, "uniform").pvalue > 1e-3
    assert abs(stats.pearsonr(draws[:-1], draws[1:]).statistic) < 5 / 2000**0.5


def test_generator_replays_its_position() -> None:
    first, again, other = (
        torch.rand(8, generator=generator(0, "order", epoch)) for epoch in (3, 3, 4)
    )
    assert first.equal(again)
    assert not first.equal(other)


def test_block_draws_the_stream_independently_of_earlier_draws() -> None:
    draws = []
    for before in (1, 2):
        torch.manual_seed(before)
        with fork_rng(0, "init"):
            draws.append(torch.rand(8))
    assert draws[0].equal(draws[1])
    assert draws[0].equal(torch.rand(8, generator=generator(0, "init")))


def test_block_restores_the_global_state() -> None:
    state = torch.get_rng_state()
    with fork_rng(0, "init"):
        torch.rand(8)
    assert torch.get_rng_state().equal(state)


def test_block_that_fails_restores_the_global_state() -> None:
    state = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="shape"), fork_rng(0, "init"):
        torch.rand(8).reshape(3)
    assert torch.get_rng_state().equal(state)
