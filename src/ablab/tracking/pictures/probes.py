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
_SPREAD = 30  # largest by smallest value from which on a map is logarithmic
_MOST_EPOCHS = 200  # cells across; of more epochs, evenly many are shown


def probe_maps(probes: ProbeValues, title: str) -> "Figure":
    """Return a figure with a heat map per probe, layers in forward order from top to bottom.

    Dark is small and yellow is large, on a logarithmic scale where all values are positive and
    spread over a factor of 30; gray cells have no finite value. Epochs count from 1.

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
    values = np.array(list(layers.values()), dtype=np.float64)
    epochs = np.unique(np.linspace(0, values.shape[1] - 1, _MOST_EPOCHS).astype(int))
    values = np.where(np.isfinite(values), values, np.nan)[:, epochs]
    left, bottom, width, height = place
    axes = axes_in(figure, left, bottom, width, height, facecolor="#c6c9cf")
    axes.set_title(label(probe.replace("_", " "), 3.0), fontsize=10, color=INK, loc="left", pad=4)
    image = axes.imshow(
        values, cmap="viridis", norm=_scale(values), aspect="auto", interpolation="nearest"
    )
    step = math.ceil(len(layers) / _ALL_NAMED)
    names = [label(name, _LABEL, middle=True) for name in layers][::step]
    axes.set_yticks(range(0, len(layers), step), names, parse_math=False)
    ticks = range(0, len(epochs), max(1, math.ceil(len(epochs) / _EPOCH_TICKS)))
    axes.set_xticks(ticks, [str(epochs[tick] + 1) for tick in ticks])
    axes.set_xlabel("epoch", fontsize=9, color=INK, labelpad=1)
    bar = axes_in(figure, left + width + 0.1, bottom, 0.12, height)
    colorbar = figure.colorbar(image, cax=bar)
    low, high = image.get_clim()
    between = math.sqrt(low * high) if _is_logarithmic(values) else (low + high) / 2
    colorbar.set_ticks([low, between, high] if low < high else [low])
    bar.set_yticklabels([f"{tick:.3g}" for tick in colorbar.get_ticks()], fontsize=8)
    bar.minorticks_off()


def _scale(values: NDArray[np.float64]) -> "Normalize":
    from matplotlib.colors import LogNorm, Normalize

    known = values[np.isfinite(values)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 1.0)
    return (LogNorm if _is_logarithmic(values) else Normalize)(low, high)


def _is_logarithmic(values: NDArray[np.float64]) -> bool:
    known = values[np.isfinite(values)]
    return bool(known.size and known.min() > 0 and known.max() > _SPREAD * known.min())


def _heights(layers: Sequence[str]) -> float:
    """Return the inches of a panel: a fifth of an inch a layer, at most three in all."""
    return min(0.2 * max(len(layers), 2), 3.0)
