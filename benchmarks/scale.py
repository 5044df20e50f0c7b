"""What each step of a sweep costs as the sweep grows from 10 to 10,000 trials.

Each step is a command of its own, the start of Python included. The trials are those of an MLP on
the digits, planned for real; their runs are written without training. Of several rounds the one
with the fewest processor seconds counts; on a busy machine the clock runs longer. 10,000 trials are
measured once.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from measurements import RESULTS, Command, parse_options, print_results, run_command
from scale_picture import draw
from synthetic import finish_plan

from ablab.tracking.lab import Lab
from ablab.tracking.plan import find_plan

SIZES = {10: (2, 5, 1), 100: (10, 10, 1), 1_000: (10, 20, 5), 10_000: (20, 50, 10)}
NAME = "grown"
SWEEP = """# @package _global_
defaults:
  - override /dataset: digits
  - override /architecture: mlp
sweep:
  question: Which learning rate?
  kind: versus_baseline
  baseline: {{optimizer.lr: {lrs[0]}}}
  seeds: {seeds}
  grid: {{optimizer.lr: {lrs}}}
  blocks: {{batch_size: {batch_sizes}}}
"""
Steps = Mapping[str, Sequence[str]]
# A sweep that trains failed trials alone plans everything and, where none has failed, ends.
PLANNED: Steps = {
    "plan: compose, check, write": ("sweep", NAME, "--offline", "--retry-failed"),
    "plan again: nothing is new": ("sweep", NAME, "--offline", "--retry-failed"),
    "forecast: --dry-run": ("sweep", NAME, "--dry-run"),
}
FINISHED: Steps = {
    "status": ("status", NAME),
    "status --json": ("status", NAME, "--json"),
    "sweep: all is finished": ("sweep", NAME, "--offline"),
    "report": ("report", NAME, "--offline"),
    "du": ("du",),
}
Table = dict[str, dict[int, Command]]


def main() -> None:
    """Measure, print a table, and draw it."""
    asked = parse_options(__doc__ or "", 3)
    table: Table = {}
    for trials, shape in SIZES.items():
        for _ in range(1 if trials == max(SIZES) else asked.rounds):
            for step, command in _measure(*shape).items():
                known = table.setdefault(step, {}).get(trials)
                if known is None or command.cpu_seconds < known.cpu_seconds:
                    table[step][trials] = command
    print_results(__doc__ or "", _lines(table), asked.save)
    if asked.save:
        draw(table, RESULTS / f"{asked.save}.png")


def _measure(variants: int, seeds: int, blocks: int) -> dict[str, Command]:
    """Measure every step of a sweep of this shape, in a folder of its own."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            return _steps(Path(folder) / "lab", variants, seeds, blocks)
        finally:
            os.chdir(before)


def _steps(root: Path, variants: int, seeds: int, blocks: int) -> dict[str, Command]:
    Path("sweeps").mkdir()
    lrs = [round(0.0005 * (i + 1), 4) for i in range(variants)]
    batch_sizes = [16 * (i + 1) for i in range(blocks)]
    text = SWEEP.format(seeds=seeds, lrs=lrs, batch_sizes=batch_sizes)
    Path(f"sweeps/{NAME}.yaml").write_text(text)
    measured = {step: run_command(words, root) for step, words in PLANNED.items()}
    lab = Lab(root)
    finish_plan(lab, find_plan(lab, NAME))
    measured |= {step: run_command(words, root) for step, words in FINISHED.items()}
    shutil.rmtree(root)
    return measured


def _lines(table: Table) -> list[str]:
    """Return the table: clock and processor seconds by step and number of trials."""
    heads = "".join(f"{f'{trials:,} trials':>18}" for trials in SIZES)
    lines = ["", f"{'clock s / processor s':<30}{heads}"]
    for step, by_size in table.items():
        cells = "".join(f"{c.seconds:>9.2f} /{c.cpu_seconds:>7.2f}" for c in by_size.values())
        lines.append(f"{step:<30}{cells}")
    peak = {n: max(by_size[n].gigabytes for by_size in table.values()) for n in SIZES}
    lines.append(
        f"{'most memory of a step, GB':<30}" + "".join(f"{gb:>18.2f}" for gb in peak.values())
    )
    return lines


if __name__ == "__main__":
    main()
