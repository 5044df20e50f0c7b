"""Processes that share a batch make the same draws together as a single process."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from contract import build, names
from torch import Tensor, nn

from ablab.components.batch_generator import BatchGenerator, draw, single_process

DROPOUTS = [name for name in names("dropout") if name != "none"]


def parts() -> Iterator[tuple[str, Any]]:
    for name in DROPOUTS:
        yield (
            name,
            lambda generator, name=name: build("dropout", name, generator=generator, depth=0.9),
        )
    contract = {"channels": 4, "kernel_size": 2, "stride": 2, "padding": 0}
    yield (
        "stochastic pooling",
        lambda generator: build("pooling", "stochastic", **contract, generator=generator),
    )


@pytest.mark.parametrize(("name", "make"), list(parts()))
@pytest.mark.parametrize("world_size", [1, 2, 3])
@pytest.mark.parametrize("shape", [(12, 4, 6, 6), (12, 4, 2, 2)])
def test_shares_of_two_calls_are_those_of_one_process(
    name: str, make: Any, world_size: int, shape: tuple[int, ...]
) -> None:
    x = torch.rand(shape) + 0.1

    def passed(rank: int, world_size: int) -> list[Tensor]:
        generator = BatchGenerator("cpu")
        generator.rank, generator.world_size = rank, world_size
        generator.manual_seed(3)
        share = x.chunk(world_size)[rank]
        module: nn.Module = make(generator)
        return [module(share), module(share)]  # the second draw is behind the first

    one = passed(0, 1)
    shares = [passed(rank, world_size) for rank in range(world_size)]
    for call in (0, 1):
        assert torch.cat([outputs[call] for outputs in shares]).equal(one[call]), name
    assert not one[0].equal(one[1])


def test_a_plain_generator_draws_for_a_single_process() -> None:
    generator = torch.Generator().manual_seed(0)
    values = draw(generator, (2, 3), lambda x: x.uniform_(generator=generator))
    assert values.equal(torch.rand(2, 3, generator=torch.Generator().manual_seed(0)))
    with single_process(generator), single_process(None):
        pass


def test_single_process_ends_with_the_block() -> None:
    generator = BatchGenerator("cpu")
    generator.rank, generator.world_size = 1, 2
    with single_process(generator):
        assert draw(generator, (2,), lambda x: x.fill_(1)).shape == (2,)
        assert (generator.rank, generator.world_size) == (0, 1)
    assert (generator.rank, generator.world_size) == (1, 2)
