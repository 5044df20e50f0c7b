"""Picture of a run's probes: one heat map per probe, layer by epoch."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ablab.tracking.pictures.style import INK, WIDTH, axes_in, label, new_figure, text_width
from ablab.tracking.probes import ProbeValues

if TYPE_CHECKING:
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

_ALL_NAMED = 12  # layers; of more, about as many are named
_EPOCH_TICKS = 8
_LABEL = 1.6  # inches of a layer's name
_LINEAR = ("dead", "saturated", "sparsity", "gradient_cosine")
_SPREAD = 30  # largest by smallest positive value from which on a map is logarithmic
_MOST_EPOCHS = 200  # cells across; of more epochs, evenly many are shown


def probe_maps(probes: ProbeValues, title: str) -> "Figure":
    """Return a figure with a heat map per probe, layers in forward order from top to bottom.

    Dark is small and yellow is large; gray cells have no finite value. The scale is logarithmic
    where no value is negative and they spread over a factor of 30, except for shares. Epochs count
    from 1.

    Args:
        probes: at least one.
        title: title of the figure.
    """
    panels = [_heights(list(layers)) for layers in probes.values()]
    names = [label(n, _LABEL, middle=True) for layers in probes.values() for n in layers]
    left = 0.25 + text_width(names)
    height = 0.55 + sum(panels) + 0.75 * len(panels)
    figure = new_figure(title, height)
    top = height - 0.55
    for (probe, layers), panel in zip(probes.items(), panels, strict=True):
        bottom = top - panel - 0.2
        _panel(figure, probe, layers, (left, bottom, WIDTH - left - 1.0, panel))
        top = bottom - 0.55
    return figure


def _panel(
    figure: "Figure",
    probe: str,
    layers: Mapping[str, Sequence[float]],
    place: tuple[float, float, float, float],
) -> None:
    """Draw one probe at a position in inches."""
    from matplotlib.colors import Normalize

    values = np.array(list(layers.values()), dtype=np.float64)
    epochs = np.unique(np.linspace(0, values.shape[1] - 1, _MOST_EPOCHS).astype(int))
    values = np.where(np.isfinite(values), values, np.nan)[:, epochs]
    left, bottom, width, height = place
    axes = axes_in(figure, left, bottom, width, height, facecolor="#c6c9cf")
    axes.set_title(label(probe.replace("_", " "), 3.0), fontsize=10, color=INK, loc="left", pad=4)
    scale = _scale(probe, values)
    if scale.vmin and scale.vmin > 0:
        values = np.maximum(values, scale.vmin)  # NaN stays NaN
    image = axes.imshow(values, cmap="viridis", norm=scale, aspect="auto", interpolation="nearest")
    step = math.ceil(len(layers) / _ALL_NAMED)
    names = [label(name, _LABEL, middle=True) for name in layers][::step]
    axes.set_yticks(range(0, len(layers), step), names, parse_math=False)
    ticks = range(0, len(epochs), max(1, math.ceil(len(epochs) / _EPOCH_TICKS)))
    axes.set_xticks(ticks, [str(epochs[tick] + 1) for tick in ticks])
    axes.set_xlabel("epoch", fontsize=9, color=INK, labelpad=1)
    bar = axes_in(figure, left + width + 0.1, bottom, 0.12, height)
    colorbar = figure.colorbar(image, cax=bar)
    low, high = image.get_clim()
    is_linear = type(scale) is Normalize
    between = (low + high) / 2 if is_linear else math.sqrt(low * high)
    colorbar.set_ticks([low, between, high] if low < high else [low])
    bar.set_yticklabels([f"{tick:.3g}" for tick in colorbar.get_ticks()], fontsize=8)
    bar.minorticks_off()


def _scale(probe: str, values: NDArray[np.float64]) -> "Normalize":
    """Return the scale of a probe's colors; on a logarithmic one, zero has the darkest."""
    from matplotlib.colors import LogNorm, Normalize

    known = values[np.isfinite(values)]
    if not known.size:
        return Normalize(0, 1)
    positive = known[known > 0]
    if known.min() >= 0 and positive.size and probe not in _LINEAR:
        low, high = positive.min(), positive.max()
        if high > _SPREAD * low:
            return LogNorm(low, high)
    return Normalize(known.min(), known.max())


def _heights(layers: Sequence[str]) -> float:
    """Return the inches of a panel: a sixth of an inch a layer, at most two in all."""
    return min(0.165 * max(len(layers), 2), 2.0)
