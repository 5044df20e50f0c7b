"""Time, peak memory and page size of a report as the sweep grows."""

import os
import sys
import tempfile
import time
from pathlib import Path

from measurements import format_median, parse_options, print_results
from synthetic import write_lab

SIZES = {10: (2, 5, 1), 100: (10, 10, 1), 1_000: (10, 20, 5), 10_000: (20, 50, 10)}
FEW = 3  # rounds of the largest sweep, which takes longest


def main() -> None:
    """Measure and report."""
    asked = parse_options(__doc__ or "", 5)
    lines = ["`ablab report NAME --offline`, the start of Python included; 20 epochs a trial"]
    for trials, (variants, seeds, blocks) in SIZES.items():
        with tempfile.TemporaryDirectory() as folder:
            lab = write_lab(Path(folder) / "lab", "grown", variants, seeds, blocks)
            rounds = min(asked.rounds, FEW) if trials == max(SIZES) else asked.rounds
            runs = [_report(lab.root) for _ in range(rounds)]
            page = lab.sweep_folder("grown") / "report" / "report.html"
            size = page.stat().st_size / 1e6
        lines += [
            f"{trials:>6,} trials ({variants} variants x {seeds} seeds x {blocks} blocks)",
            f"       time    {format_median([seconds for seconds, _ in runs])}",
            f"       memory  {format_median([gigabytes for _, gigabytes in runs], 'GB')}",
            f"       page    {size:.2f} MB",
        ]
    print_results(__doc__ or "", lines, asked.save)


def _report(lab: Path) -> tuple[float, float]:
    """Return the seconds and the peak resident memory in GB of one report."""
    command = [sys.executable, "-m", "ablab", "report", "grown", "--offline"]
    environment = os.environ | {"ABLAB_HOME": str(lab)}
    start = time.perf_counter()
    null = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    process = os.posix_spawn(sys.executable, command, environment, file_actions=null)
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - start
    assert status == 0
    unit = 1 if sys.platform == "darwin" else 1024
    return seconds, usage.ru_maxrss * unit / 1e9


if __name__ == "__main__":
    main()
