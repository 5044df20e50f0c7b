"""Random streams of a trial: each is a function of (seed, stream, position) alone.

The order, augmentation or dropout of any epoch can be replayed without a saved generator. Our
components draw from generators of their own. Other code, such as a user's `nn.Dropout`, draws from
the global generators of torch, Python and NumPy, which are seeded here.
"""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


def derive(seed: int, stream: str, *position: int | str) -> int:
    """Return the 63-bit seed of a stream at a position.

    Args:
        seed: the trial's seed, any integer.
        stream: name of the stream: ``"split"``, ``"init"``, ``"order"``, ``"augmentation"``,
            ``"dropout"``, ...
        position: epoch, step, rank, or a name, at which the stream restarts.

    Returns:
        An integer in [0, 2**63), from SHA-256, so that close seeds are independent.

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
    """Return a generator on ``device``, seeded for a stream at a position (see `derive`)."""
    return torch.Generator(device).manual_seed(derive(seed, stream, *position))


def seed_global(
    seed: int, stream: str, *position: int | str, device: torch.device | str = "cpu"
) -> None:
    """Seed the global generators of torch, Python and NumPy for a stream (see `derive`).

    Args:
        seed: the trial's seed.
        stream: its name.
        position: at which it restarts.
        device: whose torch generator is seeded in addition to the CPU's.
    """
    drawn = derive(seed, stream, *position)
    seed_torch(drawn, device)
    random.seed(drawn)
    np.random.seed(drawn % 2**32)  # noqa: NPY002 (users may draw from it; 32 bits)


def seed_torch(drawn: int, device: torch.device | str = "cpu") -> None:
    """Seed torch's global generators of the CPU and of ``device``, of no other device."""
    torch.default_generator.manual_seed(drawn)
    if (module := _device_module(device)) is not None:
        module.manual_seed(drawn)


class GlobalState:
    """Saves the states of the global generators of torch, Python and NumPy.

    Args:
        device: whose torch generator is saved in addition to the CPU's.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self._module = _device_module(device)
        self._device = None if self._module is None else self._module.get_rng_state()
        self._torch = torch.default_generator.get_state()
        self._python, self._numpy = random.getstate(), np.random.get_state()  # noqa: NPY002

    def restore(self) -> None:
        """Restore the saved states."""
        torch.default_generator.set_state(self._torch)
        if self._module is not None:
            self._module.set_rng_state(self._device)
        random.setstate(self._python)
        np.random.set_state(self._numpy)  # noqa: NPY002


@contextmanager
def fork_rng(
    seed: int, stream: str, *position: int | str, device: torch.device | str = "cpu"
) -> Iterator[None]:
    """Seed the global generators for the block (see `seed_global`) and restore them afterwards.

    For code that takes no generator, such as the initialization of torch's layers.
    """
    before = GlobalState(device)
    seed_global(seed, stream, *position, device=device)
    try:
        yield
    finally:
        before.restore()


def _device_module(device: torch.device | str) -> Any:
    """Return torch's module of a device with a generator of its own, None for the CPU."""
    kind = torch.device(device).type
    return None if kind in ("cpu", "meta") else torch.get_device_module(device)
