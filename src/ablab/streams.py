"""The random streams of a trial: each is a function of (seed, stream, position), of nothing else.

Any epoch's order, augmentation or dropout can therefore be replayed without a saved generator.
What is ours draws from generators of its own. Code that is not, such as a user's `nn.Dropout`,
draws from the global generators of torch, Python and NumPy, which are seeded for it here.
"""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


def derive(seed: int, stream: str, *position: int | str) -> int:
    """Return the 63-bit seed of one stream at one position.

    Args:
        seed: the trial's seed, any integer.
        stream: ``"split"``, ``"init"``, ``"order"``, ``"augmentation"``, ``"dropout"``, …: what
            is drawn, in a word.
        position: epoch, step, rank, or a name: where the stream restarts.

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
    seed: int, stream: str, *position: int | str, device: torch.device | str = "cpu"
) -> torch.Generator:
    """Return a generator on ``device`` at the start of a stream's position (see `derive`)."""
    return torch.Generator(device).manual_seed(derive(seed, stream, *position))


def seed_global(
    seed: int, stream: str, *position: int | str, device: torch.device | str = "cpu"
) -> None:
    """Put the global generators of torch, Python and NumPy at a stream's position (see `derive`).

    Args:
        seed: the trial's seed.
        stream: what is drawn.
        position: where the stream restarts.
        device: whose generator of torch's is seeded beside the CPU's.
    """
    drawn = derive(seed, stream, *position)
    seed_torch(drawn, device)
    random.seed(drawn)
    np.random.seed(drawn % 2**32)  # noqa: NPY002 (what a user may draw from; it takes 32 bits)


def seed_torch(drawn: int, device: torch.device | str = "cpu") -> None:
    """Seed torch's global generators, the CPU's and that of ``device``, and no other device's."""
    torch.default_generator.manual_seed(drawn)
    if (module := _device_module(device)) is not None:
        module.manual_seed(drawn)


class GlobalState:
    """The states of the global generators of torch, Python and NumPy, to be restored.

    Args:
        device: whose generator of torch's is kept beside the CPU's.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self._module = _device_module(device)
        self._device = None if self._module is None else self._module.get_rng_state()
        self._torch = torch.default_generator.get_state()
        self._python, self._numpy = random.getstate(), np.random.get_state()  # noqa: NPY002

    def restore(self) -> None:
        """Put the generators where they were when this was made."""
        torch.default_generator.set_state(self._torch)
        if self._module is not None:
            self._module.set_rng_state(self._device)
        random.setstate(self._python)
        np.random.set_state(self._numpy)  # noqa: NPY002


@contextmanager
def forked(
    seed: int, stream: str, *position: int | str, device: torch.device | str = "cpu"
) -> Iterator[None]:
    """Seed the global generators for the block (see `seed_global`), and restore them after.

    For code that cannot be handed a generator: the initialisation of torch's own layers.
    """
    before = GlobalState(device)
    seed_global(seed, stream, *position, device=device)
    try:
        yield
    finally:
        before.restore()


def _device_module(device: torch.device | str) -> Any:
    """Return torch's module of a device that has a generator of its own, None for the CPU."""
    kind = torch.device(device).type
    return None if kind in ("cpu", "meta") else torch.get_device_module(device)
