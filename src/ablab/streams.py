"""The random streams of a trial: each is a function of (seed, stream, position), of nothing else.

Any epoch's order, augmentation or dropout can therefore be replayed without a saved generator.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def derive(seed: int, stream: str, *position: int) -> int:
    """Return the 63-bit seed of one stream at one position.

    Args:
        seed: the trial's seed, any integer.
        stream: ``"split"``, ``"init"``, ``"order"``, ``"augmentation"``, ``"dropout"``, …: what
            is drawn, in a word.
        position: epoch, or epoch and rank, where the stream restarts there.

    Returns:
        An integer in [0, 2**63), from SHA-256, so that near seeds share nothing.

    Example:
        >>> derive(0, "order", 3) == derive(0, "order", 3)
        True
        >>> derive(0, "order", 3) == derive(0, "order", 4)
        False
    """
    text = "/".join(map(str, (seed, stream, *position)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1


def generator(
    seed: int, stream: str, *position: int, device: torch.device | str = "cpu"
) -> torch.Generator:
    """Return a generator on ``device`` at the start of a stream's position (see `derive`)."""
    return torch.Generator(device).manual_seed(derive(seed, stream, *position))


@contextmanager
def forked(seed: int, stream: str, *position: int) -> Iterator[None]:
    """Seed torch's global CPU generator for the block, and restore it after.

    For code that cannot be handed a generator: the initialisation of torch's own layers.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive(seed, stream, *position))
        yield
