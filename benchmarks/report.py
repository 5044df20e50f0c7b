"""Time, peak memory and page size of a report as the sweep grows."""

import tempfile
from pathlib import Path

from measurements import format_median, parse_options, print_results, run_command
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
            words = ["report", "grown", "--offline"]
            runs = [run_command(words, lab.root) for _ in range(rounds)]
            page = lab.sweep_folder("grown") / "report" / "report.html"
            size = page.stat().st_size / 1e6
        lines += [
            f"{trials:>6,} trials ({variants} variants x {seeds} seeds x {blocks} blocks)",
            f"       time    {format_median([run.seconds for run in runs])}",
            f"       memory  {format_median([run.gigabytes for run in runs], 'GB')}",
            f"       page    {size:.2f} MB",
        ]
    print_results(__doc__ or "", lines, asked.save)


if __name__ == "__main__":
    main()
