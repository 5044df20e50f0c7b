"""The builders that an architecture receives, one for each axis that it may use.

An architecture calls a builder once for each layer, and takes only the builders that it needs. Two
decisions belong to the component, not to the network, and are made by the functions here: whether
a normalization is before or after its activation (`norm_act`), and at which kind of site a dropout
acts (`dropout_at`).
"""

from collections.abc import Iterable
from typing import Literal, Protocol, runtime_checkable

from torch import Tensor, nn

Placement = Literal["before", "after"]
Site = Literal["units", "maps", "branches"]


class Activation(Protocol):
    """Builds one activation."""

    def __call__(self, channels: int) -> nn.Module:
        """Return a module that keeps the shape of (N, channels, ...)."""


class Pooling(Protocol):
    """Builds one pooling; a generator is already bound."""

    def __call__(
        self, channels: int, kernel_size: int = 2, stride: int = 2, padding: int = 0
    ) -> nn.Module:
        """Return a module (N, channels, H, W) -> (N, channels, H', W')."""


class Normalization(Protocol):
    """Builds one normalization."""

    def __call__(self, channels: int, spatial_dims: int) -> nn.Module:
        """Return a module that keeps the shape (N, channels, ...), with ``spatial_dims`` more."""


class Dropout(Protocol):
    """Builds one dropout; its generator is already bound. See `dropout_at`."""

    def __call__(self, *, depth: float | None = None) -> nn.Module:
        """Return a module that keeps any shape."""


@runtime_checkable
class Kernels(Protocol):
    """A layer other than torch's whose ``weight`` and ``bias`` an initializer sets."""

    def kernels(self) -> Iterable[Tensor]:
        """Return views of ``weight``, each (outputs, inputs, ...), as of a separate layer."""


def norm_act(
    channels: int, spatial_dims: int, activation: Activation, normalization: Normalization
) -> list[nn.Module]:
    """Return a normalization and an activation in the order that the normalization requests.

    To be called after each layer that is followed by both.

    Args:
        channels: C, of both.
        spatial_dims: 0 for (N, C), 1 for (N, C, L), 2 for (N, C, H, W).
        activation: builder.
        normalization: builder.

    Example:
        >>> norm = with_placement(nn.Identity(), "after")
        >>> norm_act(6, 0, lambda channels: nn.ReLU(), lambda channels, spatial_dims: norm)
        [ReLU(), Identity()]
    """
    norm, act = normalization(channels, spatial_dims), activation(channels)
    return [act, norm] if placement(norm) == "after" else [norm, act]


def placement(norm: nn.Module) -> Placement:
    """Return whether a normalization is before or after its activation.

    This is its attribute ``placement`` (see `with_placement`), 'before' by default. Where a
    residual block ends in a sum, 'before' is on the branch, and 'after' follows the activation
    of the sum.
    """
    return "after" if getattr(norm, "placement", "before") == "after" else "before"


def with_placement(norm: nn.Module, where: Placement) -> nn.Module:
    """Return the normalization with its attribute ``placement`` set, 'before' or 'after'.

    Raises:
        ValueError: ``where`` is neither.
    """
    if where not in ("before", "after"):
        raise ValueError(f"placement must be one of before, after, got {where}")
    norm.placement = where  # type: ignore[assignment]
    return norm


def needs_bias(norm: nn.Module) -> bool:
    """Return whether the layer before this normalization needs a bias.

    It does not where the normalization comes next and has a shift, or subtracts each channel's
    mean and with it any bias.
    """
    centers = isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d) or (
        isinstance(norm, nn.GroupNorm) and norm.num_groups == norm.num_channels  # instance norm
    )
    shifts = getattr(norm, "bias", None) is not None
    return placement(norm) == "after" or not (centers or shifts)


def dropout_at(site: Site, dropout: Dropout, depth: float = 1.0) -> nn.Module:
    """Return the dropout of one site, or the identity where this kind of dropout does not act.

    Ordinary dropout acts on units, spatial dropout on feature maps, stochastic depth on residual
    branches. A network calls this at each site that it has::

        features after an activation    dropout_at("maps", dropout)
        branch before it is added       dropout_at("branches", dropout, depth=l / L)
        input of a linear layer         dropout_at("units", dropout)

    A dropout without any site in a network is refused when the trial is built.

    Args:
        site: ``"units"``, (N, C); ``"maps"``, (N, C, H, W); ``"branches"``, any shape.
        dropout: builder; its attribute ``site`` is the kind of site it acts at, by default
            ``"units"``.
        depth: of a branch: its number, from 1, over the number of branches, or as in the network's
            source; in [0, 1].
    """
    if getattr(dropout, "site", "units") != site:
        return nn.Identity()
    return dropout(depth=depth) if site == "branches" else dropout()
