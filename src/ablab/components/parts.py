"""The builders that an architecture receives, one for each axis that it may use.

An architecture calls a builder once for each place in the network, and uses what it asks for.
"""

from typing import Protocol

from torch import nn


class Activation(Protocol):
    """Builds the activation of one place."""

    def __call__(self, channels: int) -> nn.Module:
        """Return a module that keeps the shape of (N, channels, ...)."""


class Pooling(Protocol):
    """Builds the pooling of one place."""

    def __call__(
        self, channels: int, kernel_size: int = 2, stride: int = 2, padding: int = 0
    ) -> nn.Module:
        """Return a module (N, channels, H, W) -> (N, channels, H', W')."""


class Normalization(Protocol):
    """Builds the normalization of one place."""

    def __call__(self, channels: int, spatial_dims: int) -> nn.Module:
        """Return a module that keeps the shape of (N, channels) and ``spatial_dims`` more."""


class Dropout(Protocol):
    """Builds the dropout of one place, its generator already bound."""

    def __call__(self) -> nn.Module:
        """Return a module that keeps any shape."""
