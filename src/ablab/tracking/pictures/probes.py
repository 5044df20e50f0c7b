"""Picture of a run's probes: one heat map per probe, layer by epoch."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablab.tracking.pictures.axes import Axes, color_bar, color_scale
from ablab.tracking.pictures.picture import Box, Picture
from ablab.tracking.pictures.style import WIDTH, label, text_width
from ablab.tracking.probes import ProbeValues

_ALL_NAMED = 12  # layers; of more, about as many are named
_EPOCH_TICKS = 8
_LABEL = 1.6  # inches of a layer's name
_LINEAR = ("dead", "saturated", "sparsity", "gradient_cosine")
_SPREAD = 30  # largest by smallest positive value from which on a map is logarithmic
_MOST_EPOCHS = 200  # cells across; of more epochs, evenly many are shown


def probe_maps(probes: ProbeValues, title: str) -> Picture:
    """Return a picture with a heat map per probe, layers in forward order from top to bottom.

    Dark is small and yellow is large; gray cells have no finite value. The scale is logarithmic
    where no value is negative and they spread over a factor of 30, except for shares. Epochs count
    from 1.

    Args:
        probes: at least one.
        title: title of the picture.
    """
    panels = [_heights(list(layers)) for layers in probes.values()]
    names = [label(n, _LABEL, middle=True) for layers in probes.values() for n in layers]
    left = 0.25 + text_width(names)
    height = 0.55 + sum(panels) + 0.75 * len(panels)
    picture = Picture(title, height)
    top = height - 0.55
    for (probe, layers), panel in zip(probes.items(), panels, strict=True):
        bottom = top - panel - 0.2
        _panel(picture, probe, layers, (left, bottom, WIDTH - left - 1.0, panel))
        top = bottom - 0.55
    return picture


def _panel(picture: Picture, probe: str, layers: Mapping[str, Sequence[float]], box: Box) -> None:
    values, epochs, scale = heat_map(probe, layers)
    axes = Axes(picture, box, (-0.5, len(epochs) - 0.5), (len(layers) - 0.5, -0.5))
    colors = color_scale("viridis", np.nan_to_num(scale.shares(values)))
    colors[np.isnan(values), :3] = 0xC6, 0xC9, 0xCF
    picture.image(colors, box)
    axes.frame()
    heading = label(probe.replace("_", " "), 3.0)
    picture.text(box[0], box[1] + box[3] + 0.05, heading, size=10, ha="left", va="bottom")
    step = math.ceil(len(layers) / _ALL_NAMED)
    names = [label(name, _LABEL, middle=True) for name in layers][::step]
    axes.y_ticks(range(0, len(layers), step), names)
    ticks = range(0, len(epochs), max(1, math.ceil(len(epochs) / _EPOCH_TICKS)))
    axes.x_ticks(ticks, [str(epochs[tick] + 1) for tick in ticks])
    picture.text(box[0] + box[2] / 2, box[1] - 0.25, "epoch", va="top")
    bar = color_bar(picture, (box[0] + box[2] + 0.1, box[1], 0.12, box[3]), "viridis")
    low, high, between = scale.low, scale.high, scale.middle
    shown = [low, between, high] if low < high else [low]
    texts = [f"{tick:.3g}" for tick in shown]
    bar.y_ticks([0.0, 0.5, 1.0][: len(shown)], texts, right=True, size=8)


@dataclass(frozen=True)
class Scale:
    """The scale of a map's colors, on which the smallest value is 0 and the largest 1."""

    low: float
    high: float
    is_logarithmic: bool = False

    @property
    def middle(self) -> float:
        """The value of 0.5."""
        both = self.low, self.high
        return math.sqrt(math.prod(both)) if self.is_logarithmic else sum(both) / 2

    def shares(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where values lie on it, NaN for NaN."""
        low, high = self.low, self.high
        if not low < high:
            return values * 0
        if self.is_logarithmic:
            values, low, high = np.log(values), math.log(low), math.log(high)
        return (values - low) / (high - low)


def heat_map(
    probe: str, layers: Mapping[str, Sequence[float]]
) -> tuple[NDArray[np.float64], NDArray[np.int64], Scale]:
    """Return the values (layers, epochs) that a probe's map shows, the epochs, and the scale.

    Values that are not finite are NaN. On a logarithmic scale, zero has the darkest color.
    """
    values = np.array(list(layers.values()), dtype=np.float64)
    epochs = np.unique(np.linspace(0, values.shape[1] - 1, _MOST_EPOCHS).astype(int))
    values = np.where(np.isfinite(values), values, np.nan)[:, epochs]
    scale = _scale(probe, values)
    if scale.low > 0:
        values = np.maximum(values, scale.low)  # NaN stays NaN
    return values, epochs, scale


def _scale(probe: str, values: NDArray[np.float64]) -> Scale:
    known = values[np.isfinite(values)]
    if not known.size:
        return Scale(0, 1)
    positive = known[known > 0]
    if known.min() >= 0 and positive.size and probe not in _LINEAR:
        low, high = float(positive.min()), float(positive.max())
        if high > _SPREAD * low:
            return Scale(low, high, is_logarithmic=True)
    return Scale(float(known.min()), float(known.max()))


def _heights(layers: Sequence[str]) -> float:
    """Return the inches of a panel: a sixth of an inch a layer, at most two in all."""
    return min(0.165 * max(len(layers), 2), 2.0)
