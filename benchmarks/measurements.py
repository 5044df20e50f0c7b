"""Output of benchmarks: options, medians and paired ratios, hardware and versions."""

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ablab.training.environment import describe_environment

RESULTS = Path(__file__).parent / "results"
_FIELDS = ("cpu", "gpu", "python", "torch", "pytorch_lightning", "mlflow", "ablab", "commit")


@dataclass(frozen=True)
class Command:
    """What one command took: wall clock and processor seconds, peak resident memory in GB."""

    seconds: float
    cpu_seconds: float
    gigabytes: float


def run_command(words: Sequence[str], lab: Path) -> Command:
    """Run ``ablab`` with a lab in a process of its own, its output discarded, and measure it."""
    command, environment = (
        [sys.executable, "-m", "ablab", *words],
        os.environ | {"ABLAB_HOME": str(lab)},
    )
    start = time.perf_counter()
    null = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    process = os.posix_spawn(sys.executable, command, environment, file_actions=null)
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - start
    assert status == 0, f"{words} ended with status {status}"
    unit = 1 if sys.platform == "darwin" else 1024
    return Command(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e9)


def format_median(values: Sequence[float], unit: str = "s") -> str:
    """Format median, minimum, maximum and n."""
    low, median, high = min(values), statistics.median(values), max(values)
    return f"{median:.3f} {unit} (min {low:.3f}, max {high:.3f}, n = {len(values)})"


def format_ratio(a: Sequence[float], b: Sequence[float]) -> str:
    """Format the median of the paired ratios."""
    return format_median([x / y for x, y in zip(a, b, strict=True)], "x")


def parse_options(text: str, rounds: int, names: str | None = None) -> argparse.Namespace:
    """Parse the command line; positional names are allowed if ``names`` describes them."""
    parser = argparse.ArgumentParser(description=text)
    if names:
        parser.add_argument("names", nargs="*", help=names)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--save", metavar="NAME")
    return parser.parse_args()


def print_results(title: str, lines: Sequence[str], save: str | None) -> None:
    """Print the lines with hardware and versions, and save them under ``results/`` if asked."""
    environment = describe_environment()
    machine = [f"{name}: {environment[name]}" for name in _FIELDS if environment[name]]
    text = "\n".join([title, *lines, "", f"system: {platform.platform()}", *machine]) + "\n"
    print(text)
    if save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{save}.txt").write_text(text)
