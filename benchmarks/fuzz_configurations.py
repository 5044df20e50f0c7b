"""Random configurations: each is accepted, or refused as `<key> must be <rule>, got <value>`.

Checks `ablab train` and plans `ablab sweep` in this process, with limits on time and memory; cases
and judge are those of `tests/fuzz`. The exit code is 1 if any case has another outcome.
"""

import argparse
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "fuzz"))

from fuzz_cases import case
from fuzz_judge import Verdict, judge
from measurements import print_results

_KINDS = ("accepted", "refused", "traceback", "hang", "memory", "malformed")


def main() -> int:
    """Run the cases of consecutive seeds and print the counts of their outcomes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="of the first case")
    parser.add_argument("--save", metavar="NAME")
    options = parser.parse_args()
    verdicts: list[tuple[int, Verdict]] = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ABLAB_HOME"] = str(Path(folder) / "lab")
        for seed in range(options.seed, options.seed + options.cases):
            verdict = judge(case(seed), Path(folder))
            verdicts.append((seed, verdict))
            if len(verdicts) % 1000 == 0:
                print(f"{len(verdicts):,} of {options.cases:,}", file=sys.stderr, flush=True)
            if not verdict.is_good:
                print(
                    f"case {seed}: {case(seed)!r:.600}\n{verdict.kind}: {verdict.text}", flush=True
                )
    print_results(_title(), _lines(verdicts, options.seed), options.save)
    return 0 if all(verdict.is_good for _, verdict in verdicts) else 1


def _title() -> str:
    return (__doc__ or "").splitlines()[0]


def _lines(verdicts: list[tuple[int, Verdict]], first: int) -> list[str]:
    counts = Counter(verdict.kind for _, verdict in verdicts)
    faults = sum(len(v.text.split("\n")) for _, v in verdicts if v.kind == "refused")
    lines = [f"cases      {len(verdicts):,} (seeds {first} to {first + len(verdicts) - 1})"]
    lines += [f"{kind:10} {counts[kind]:,}" for kind in _KINDS]
    return [*lines, f"{faults:,} lines of faults in the refusals"]


if __name__ == "__main__":
    sys.exit(main())
