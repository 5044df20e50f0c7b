"""The picture of `scale.py`: processor seconds of each step against the number of trials."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure
from measurements import Command


def draw(table: Mapping[str, Mapping[int, Command]], path: Path) -> None:
    """Draw the processor seconds of each step, both axes logarithmic."""
    figure = Figure(figsize=(7.5, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for step, by_size in table.items():
        axes.plot([*by_size], [c.cpu_seconds for c in by_size.values()], marker="o", label=step)
    axes.set(xscale="log", yscale="log", xlabel="trials of the sweep", ylabel="processor seconds")
    axes.grid(visible=True, which="both", alpha=0.2)
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=120)
