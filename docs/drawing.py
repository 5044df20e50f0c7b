"""What the pictures of all pages share: colors, curves, maps, and SVG that stays the same."""

import io
import re
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE, ORANGE = "#1f5fa8", "#d9730d"
STYLE = {
    "svg.hashsalt": "ablab",
    "svg.fonttype": "none",
    "font.sans-serif": ["DejaVu Sans"],  # one name: the whole list would stand at every number
    "font.size": 7,
    "lines.linewidth": 1.3,
}
Drawing = Callable[[Figure], None]

SEVEN = np.zeros((7, 7))  # a digit: a bar and a stroke
SEVEN[1, 1:6] = 1
SEVEN[[2, 3, 4, 5], [5, 4, 3, 3]] = 1
PATCH = np.array([[1.0, 3, 0, 2], [0, 2, -5, 1], [4, 0, 1, 1], [0, -1, 1, 6]])


def svg(drawing: Drawing) -> str:
    """Return the text of a picture, the same each time."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.2, 1.5), layout="tight")
        drawing(figure)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = re.sub(r"(\d\.\d\d)\d+", r"\1", out.getvalue())  # a hundredth of a pixel will do
    return "\n".join(line.strip() for line in text.splitlines()) + "\n"


def maps(figure: Figure, most: float | None = None, **values: Any) -> None:
    """Draw matrices side by side, blue below zero and orange above, full color at ``most``."""
    colors = mpl.colors.LinearSegmentedColormap.from_list("signed", [BLUE, "white", ORANGE])
    for axes, (title, each) in zip(figure.subplots(1, len(values)), values.items(), strict=True):
        top = most or np.abs(each).max() or 1
        axes.pcolormesh(each[::-1], cmap=colors, vmin=-top, vmax=top, lw=0.3, ec="#bbbbbb")
        axes.set(title=title.replace("_", " "), aspect="equal", xticks=[], yticks=[])


def curves(figure: Figure, x: Any, values: Mapping[str, Any], xlabel: str) -> Axes:
    """Draw curves over one axis, named where they are two."""
    axes: Axes = figure.subplots()
    for (label, y), color in zip(values.items(), (BLUE, ORANGE), strict=False):
        axes.plot(x, y, color=color, label=label)
    axes.set_xlabel(xlabel)
    if len(values) > 1:
        axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return axes
