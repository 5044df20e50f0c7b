"""How long a user waits: `ablab --help`, `make demo`, and `make demo` again."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measurements import format_median, parse_options, print_results

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Measure and report."""
    asked = parse_options(__doc__ or "", 3)
    helps, firsts, seconds = [], [], []
    for _ in range(asked.rounds):
        helps.append(_seconds([sys.executable, "-m", "ablab", "--help"], {}))
        with tempfile.TemporaryDirectory() as folder:
            home = {"ABLAB_HOME": f"{folder}/lab"}
            firsts.append(_seconds(["make", "demo"], home))
            seconds.append(_seconds(["make", "demo"], home))
    lines = [
        f"ablab --help            {format_median(helps)}",
        f"make demo               {format_median(firsts)}",
        f"make demo, nothing new  {format_median(seconds)}",
    ]
    print_results(__doc__ or "", lines, asked.save)


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, check=False
    )
    seconds = time.perf_counter() - start
    assert done.returncode == 0, done.stderr.decode()
    return seconds


if __name__ == "__main__":
    main()
