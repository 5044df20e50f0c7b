"""How figures are told: hardware, versions, medians, and ratios pair by pair."""

import argparse
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path

from ablab.training.environment import describe_environment

RESULTS = Path(__file__).parent / "results"
_TOLD = ("cpu", "gpu", "python", "torch", "pytorch_lightning", "mlflow", "ablab", "commit")


def spread(values: Sequence[float], unit: str = "s") -> str:
    """Return median, minimum, maximum and n."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.3f} {unit} (min {low:.3f}, max {high:.3f}, n = {len(values)})"


def ratio(a: Sequence[float], b: Sequence[float]) -> str:
    """Return the median of the ratios, pair by pair."""
    return spread([x / y for x, y in zip(a, b, strict=True)], "x")


def options(text: str, rounds: int, names: str | None = None) -> argparse.Namespace:
    """Return the command line's options, and its names where ``names`` says what they are."""
    parser = argparse.ArgumentParser(description=text)
    if names:
        parser.add_argument("names", nargs="*", help=names)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--save", metavar="NAME")
    return parser.parse_args()


def tell(title: str, lines: Sequence[str], save: str | None) -> None:
    """Print the figures, and keep them under ``results/``."""
    known = describe_environment()
    machine = [f"{name}: {known[name]}" for name in _TOLD if known[name]]
    text = "\n".join([title, *lines, "", f"system: {platform.platform()}", *machine]) + "\n"
    print(text)
    if save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{save}.txt").write_text(text)
