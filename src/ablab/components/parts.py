"""The builders that an architecture receives, one for each axis that it may use.

An architecture calls a builder once for each place in the network, and uses what it asks for.
Two things it leaves to the functions here, since the component decides them and not the network:
whether a normalization stands before or after its activation (`norm_act`), and at which kind of
place a dropout acts (`dropout_at`).
"""

from collections.abc import Iterable
from typing import Literal, Protocol, runtime_checkable

from torch import Tensor, nn

Placement = Literal["before", "after"]
Place = Literal["units", "maps", "branches"]


class Activation(Protocol):
    """Builds the activation of one place."""

    def __call__(self, channels: int) -> nn.Module:
        """Return a module that keeps the shape of (N, channels, ...)."""


class Pooling(Protocol):
    """Builds the pooling of one place, its generator already bound."""

    def __call__(
        self, channels: int, kernel_size: int = 2, stride: int = 2, padding: int = 0
    ) -> nn.Module:
        """Return a module (N, channels, H, W) -> (N, channels, H', W')."""


class Normalization(Protocol):
    """Builds the normalization of one place."""

    def __call__(self, channels: int, spatial_dims: int) -> nn.Module:
        """Return a module that keeps the shape of (N, channels) and ``spatial_dims`` more."""


class Dropout(Protocol):
    """Builds the dropout of one place, its generator already bound; see `dropout_at`."""

    def __call__(self, *, depth: float | None = None) -> nn.Module:
        """Return a module that keeps any shape."""


@runtime_checkable
class Kernels(Protocol):
    """A layer, none of torch's, whose ``weight`` and ``bias`` an initializer draws."""

    def kernels(self) -> Iterable[Tensor]:
        """Return views of ``weight``, each (outputs, inputs, ...) as a layer of its own."""


def norm_act(
    channels: int, spatial_dims: int, activation: Activation, normalization: Normalization
) -> list[nn.Module]:
    """Return normalization and activation of one place, in the normalization's own order.

    For each place where a network has a layer, then a normalization, then an activation.

    Args:
        channels: C, of both.
        spatial_dims: 0 for (N, C), 1 for (N, C, L), 2 for (N, C, H, W).
        activation: builder.
        normalization: builder.

    Example:
        >>> norm = placed(nn.Identity(), "after")
        >>> norm_act(6, 0, lambda channels: nn.ReLU(), lambda channels, spatial_dims: norm)
        [ReLU(), Identity()]
    """
    norm, act = normalization(channels, spatial_dims), activation(channels)
    return [act, norm] if placement(norm) == "after" else [norm, act]


def placement(norm: nn.Module) -> Placement:
    """Tell whether a normalization stands before its activation or after it.

    It says so by an attribute ``placement`` (see `placed`); without one it stands before. Where a
    residual block ends in a sum, 'before' is on the branch, and 'after' follows the activation
    of the sum.
    """
    return "after" if getattr(norm, "placement", "before") == "after" else "before"


def placed(norm: nn.Module, where: Placement) -> nn.Module:
    """Return the normalization, now saying where it stands: 'before' its activation or 'after'.

    Raises:
        ValueError: ``where`` is neither.
    """
    if where not in ("before", "after"):
        raise ValueError(f"placement must be one of before, after, got {where}")
    norm.placement = where  # type: ignore[assignment]
    return norm


def needs_bias(norm: nn.Module) -> bool:
    """Tell whether a layer that feeds this normalization has use for a bias of its own.

    It has none where the normalization comes next and brings a shift, or takes each channel's
    mean away and with it any bias.
    """
    centers = isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d) or (
        isinstance(norm, nn.GroupNorm) and norm.num_groups == norm.num_channels  # instance norm
    )
    shifts = getattr(norm, "bias", None) is not None
    return placement(norm) == "after" or not (centers or shifts)


def dropout_at(place: Place, dropout: Dropout, depth: float = 1.0) -> nn.Module:
    """Return the dropout of one place, or nothing (identity) where this kind does not act.

    Ordinary dropout acts on units, spatial dropout on feature maps, stochastic depth on residual
    branches. A network offers each place that it has, and each dropout takes its own::

        features after an activation    dropout_at("maps", dropout)
        branch before it is added       dropout_at("branches", dropout, depth=l / L)
        input of a linear layer         dropout_at("units", dropout)

    A dropout that finds no place of its own in a network is refused when the trial is built.

    Args:
        place: ``"units"``, (N, C); ``"maps"``, (N, C, H, W); ``"branches"``, any shape.
        dropout: builder; its attribute ``place`` tells the kind, without one it is ``"units"``.
        depth: of a branch: its number, from 1, over how many there are, or as the network's source
            counts; in [0, 1].
    """
    if getattr(dropout, "place", "units") != place:
        return nn.Identity()
    return dropout(depth=depth) if place == "branches" else dropout()
