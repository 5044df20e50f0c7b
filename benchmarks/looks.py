"""Looks at growing numbers of seeds: error rates, power and trials saved, by simulation."""

import csv
import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from error_rates import DRAWS, share
from measurements import RESULTS, parse_options, print_results
from numpy.typing import NDArray
from scipy import special

from ablab.stats import paired
from ablab.stats.futility import chance_of_difference
from ablab.stats.sequential import SPENDING, Look

Array = NDArray[np.float64]
SIZES, FUTILITY = (5, 10, 15, 20), 0.1
ACCURACIES = RESULTS / "looks_accuracies.csv"
REPLICATE_SUBSETS = 200


class Design:
    """A design with looks, run on many replicates at once.

    Args:
        kind: ``versus_baseline`` (the baseline first), ``best`` or ``factors`` (a 2 × 2 grid).
        spending: of the error probability.
        futility: bound on the predicted probability, or None.
        sizes: number of seeds at each look.
    """

    def __init__(
        self,
        kind: str,
        spending: str = "obrien_fleming",
        futility: float | None = FUTILITY,
        sizes: Sequence[int] = SIZES,
    ) -> None:
        self.kind, self.spending, self.futility = kind, spending, futility
        self.sizes = tuple(sizes)

    def weights(self, variants: int) -> Array:
        """Return the weight of each variant in each contrast, (m, variants)."""
        if self.kind == "factors":
            return np.array([[-0.5, -0.5, 0.5, 0.5], [-0.5, 0.5, -0.5, 0.5], [1, -1, -1, 1.0]])
        pairs = list(combinations(range(variants), 2))
        if self.kind == "versus_baseline":
            pairs = [pair for pair in pairs if pair[0] == 0]
        rows = np.zeros((len(pairs), variants))
        for row, (a, b) in zip(rows, pairs, strict=True):
            row[a], row[b] = -1, 1
        return rows

    def run(self, values: Array) -> tuple[Array, Array]:
        """Return the result of each contrast and the seeds of each variant.

        Args:
            values: (replicates, variants, seeds of the last look).

        Returns:
            1, -1 or 0 for ahead, behind and undecided, (replicates, m); (replicates, variants).
        """
        count, variants, _ = values.shape
        weights = self.weights(variants)
        repeated = np.ones((count, len(weights)))
        sign, result = np.zeros(repeated.shape), np.zeros(repeated.shape)
        going, seeds = np.ones(repeated.shape, dtype=bool), np.zeros((count, variants))
        for number, n in enumerate(self.sizes, 1):
            look = Look(self.sizes, number, self.spending)
            is_trained = going.astype(float) @ np.abs(weights) > 0
            seeds = np.where(is_trained, n, seeds)
            # Contrasts are tested at each look at which all of their variants are trained.
            untrained = (~is_trained).astype(float) @ np.abs(weights).T > 0
            tested = ~untrained & (result == 0)
            d = np.round(np.einsum("mv,rvn->rmn", weights, values[..., :n]), 9)
            repeated = np.where(tested, look.repeated(paired.paired_p(d)), repeated)
            sign = np.where(tested, np.sign(d.mean(axis=-1)), sign)
            result = np.where(paired.holm(repeated) <= paired.ALPHA, sign, 0)
            going = tested & (result == 0)
            if self.kind == "best":
                behind = (result[..., None] * weights < 0).any(axis=1)
                going &= ~(behind.astype(float) @ np.abs(weights).T > 0)
            if self.futility is not None and n < self.sizes[-1]:
                going &= self._chance(d, look, repeated) >= self.futility
        return result, seeds

    def _chance(self, d: Array, look: Look, repeated: Array) -> Array:
        levels = paired.holm_levels(repeated)
        chance = np.zeros(repeated.shape)
        for level in np.unique(levels):
            at = levels == level
            chance[at] = chance_of_difference(d[at], look.last, float(level))
        return chance

    def fixed(self, values: Array) -> Array:
        """Return the result of each contrast if all seeds of the last look are tested once."""
        d = np.einsum("mv,rvn->rmn", self.weights(values.shape[1]), values)
        is_detected = paired.holm(paired.paired_p(np.round(d, 9))) <= paired.ALPHA
        result: Array = np.where(is_detected, np.sign(d.mean(axis=-1)), 0)
        return result


def main() -> None:
    """Run the simulations and print the rates."""
    asked = parse_options(__doc__ or "", 10_000)
    generator = np.random.default_rng(20_260_110)
    lines = [
        f"{asked.rounds:,} replicates each, fixed seed; ± is one Monte Carlo error.",
        f"Looks at n = {', '.join(map(str, SIZES))} unless others are given; futility bound "
        f"{FUTILITY} for power and trials, none for errors.",
    ]
    for part in (_errors, _partial, _kinds, _power, _why):
        lines += ["", *part(generator, asked.rounds)]
    if ACCURACIES.is_file():
        lines += ["", *_suite(generator)]
    print_results(__doc__ or "", lines, asked.save)


def _errors(generator: np.random.Generator, count: int) -> Iterator[str]:
    yield "Family-wise error over variants and looks, no variant differs:"
    for name, (draw, bound, _) in DRAWS.items():
        for m in (1, 5):
            values = draw(generator, count, 20, m)
            parts = []
            for spending in SPENDING:
                result, _ = Design("versus_baseline", spending, None).run(values)
                parts.append(f"{spending} {share(result.any(axis=1))}")
            yield f"  {name}, m = {m} (fixed n: {bound}): {'; '.join(parts)}"
    for sizes in ((3, 5, 10), (3, 10, 20), (5, 20), tuple(range(4, 21, 2))):
        values = DRAWS["normal"][0](generator, count, sizes[-1], 5)
        parts = []
        for spending in SPENDING:
            result, _ = Design("versus_baseline", spending, None, sizes).run(values)
            parts.append(f"{spending} {share(result.any(axis=1))}")
        yield f"  normal, m = 5, looks at {', '.join(map(str, sizes))}: {'; '.join(parts)}"
    values = DRAWS["normal"][0](generator, count, 20, 1)
    d = values[:, 1] - values[:, 0]
    naive = np.any([paired.paired_p(d[:, :n]) <= paired.ALPHA for n in SIZES], axis=0)
    yield f"  were each look tested at 5 %, m = 1: {share(naive)}"


def _partial(generator: np.random.Generator, count: int) -> Iterator[str]:
    yield "Family-wise error among the variants that do not differ, m = 5, some others differ:"
    for sizes in (1.0, 3.0), (2.0, 2.0), (5.0, 5.0):
        values = generator.normal(0, 1, (count, 6, 20))
        values[:, 4:] += np.array(sizes)[:, None]
        parts = []
        for spending in SPENDING:
            for futility in (None, FUTILITY):
                result, _ = Design("versus_baseline", spending, futility).run(values)
                note = "" if futility is None else ", with futility"
                parts.append(f"{spending}{note} {share(result[:, :3].any(axis=1))}")
        yield f"  two by {sizes[0]:g} and {sizes[1]:g} sd: {'; '.join(parts)}"


def _kinds(generator: np.random.Generator, count: int) -> Iterator[str]:
    yield "Family-wise error of the other kinds, nothing differs:"
    for kind, variants, m in (("best", 6, 15), ("factors", 4, 3)):
        values = generator.normal(0, 1, (count, variants, 20))
        parts = []
        for spending in SPENDING:
            result, _ = Design(kind, spending, None).run(values)
            parts.append(f"{spending} {share(result.any(axis=1))}")
        yield f"  {kind}, {m} contrasts: {'; '.join(parts)}"


def _power(generator: np.random.Generator, count: int) -> Iterator[str]:
    yield (
        "Power to detect one variant's difference, and trials used, of those of fixed n = 20 "
        "(sd of a variant's trials 1, unpaired; the others are equal to the baseline):"
    )
    for m in (1, 5):
        noise = generator.normal(0, 1, (count, m + 1, 20))
        for size in (0.0, 0.5, 0.8, 1.2, 1.6, 2.5):
            values = noise.copy()
            values[:, 1] += size
            fixed = Design("versus_baseline").fixed(values)[:, 0] != 0
            parts = [f"fixed n = 20 {share(fixed)}"]
            for spending in SPENDING:
                for futility in (None, FUTILITY):
                    result, seeds = Design("versus_baseline", spending, futility).run(values)
                    note = "" if futility is None else " and futility"
                    parts.append(
                        f"{spending}{note} {share(result[:, 0] != 0)} with "
                        f"{100 * seeds.mean() / 20:.0f} % of the trials"
                    )
            yield f"  m = {m}, difference {size:g}: {'; '.join(parts)}"


def _why(generator: np.random.Generator, count: int) -> Iterator[str]:
    yield "What sweeps do not do, and why (normal, m = 1):"
    d = generator.normal(0, 1, (20 * count, 20))
    p = [paired.paired_p(d[:, :n]) for n in SIZES]
    parts = []
    for spending in SPENDING:
        for name, factor in (("exact", 1), ("approximate", 1000)):  # of many seeds, t is normal
            looks = [Look(tuple(factor * n for n in SIZES), k, spending) for k in range(1, 5)]
            hits = [own <= k.nominal(paired.ALPHA) for own, k in zip(p, looks, strict=True)]
            parts.append(f"{spending} {name} {share(np.any(hits, axis=0))}")
    yield f"  levels of the looks by the normal approximation, error: {'; '.join(parts)}"
    d = generator.normal(0.7, 1, (count, 20))
    parts = []
    for name, chance in (("none", None), ("predicted", chance_of_difference), ("trend", _by_trend)):
        detected, going = np.zeros(count, dtype=bool), np.ones(count, dtype=bool)
        for number, n in enumerate(SIZES, 1):
            look = Look(SIZES, number)
            detected |= going & (paired.paired_p(d[:, :n]) <= look.nominal(paired.ALPHA))
            if chance is not None and n < SIZES[-1]:
                going &= chance(d[:, :n], look.last, paired.ALPHA) >= FUTILITY
        parts.append(f"{name} {share(detected)}")
    yield f"  futility by the conditional power under the current trend, power: {'; '.join(parts)}"


def _by_trend(d: Array, last: Look, level: float) -> Array:
    """Return the conditional power of the last look if the true mean is that of these seeds."""
    n, mean, sd = d.shape[1], np.abs(d.mean(axis=1)), d.std(axis=1, ddof=1)
    half = special.stdtrit(last.size - 1, 1 - last.nominal(level) / 2) / math.sqrt(last.size)
    error = math.sqrt(last.size - n) / last.size * sd
    power: Array = special.ndtr((mean - half * sd) / error)
    return power


def _suite(generator: np.random.Generator) -> Iterator[str]:
    yield (
        f"The suite's own sweeps: real trials of 20 seeds from {ACCURACIES.name}, in "
        f"{REPLICATE_SUBSETS} random orders of the seeds:"
    )
    for sweep, kind, names, values in _accuracies(ACCURACIES):
        orders = [generator.permutation(20) for _ in range(REPLICATE_SUBSETS)]
        shuffled = np.stack([values[:, order] for order in orders])
        fixed = Design(kind).fixed(values[None])[0]
        yield (
            f"  {sweep} ({kind}, {len(names)} variants, {fixed.size} contrasts, "
            f"{int((fixed != 0).sum())} decided by fixed n = 20):"
        )
        for spending in SPENDING:
            for futility in (None, FUTILITY):
                yield "    " + _against_fixed(Design(kind, spending, futility), shuffled, fixed)


def _against_fixed(design: Design, values: Array, fixed: Array) -> str:
    result, seeds = design.run(values)
    agree = (result == fixed).mean()
    contrary = (result * fixed < 0).mean()
    trials = 100 * seeds.mean(axis=1) / 20
    text = (
        f"{design.spending}, {'with' if design.futility else 'without'} futility: "
        f"{trials.mean():.0f} % of the trials (sd {trials.std():.0f}); "
        f"{100 * agree:.1f} % of contrasts as with n = 20, {100 * contrary:.1f} % contrary"
    )
    if design.kind != "best":
        return f"{text}; same verdict {share((result == fixed).all(axis=1))}"
    weights = design.weights(values.shape[1])
    # The answer of `best` is the set of variants that no other is detected to beat.
    answer = ~(result[..., None] * weights < 0).any(axis=1)
    expected = ~(fixed[:, None] * weights < 0).any(axis=0)
    return f"{text}; same answer {share((answer == expected).all(axis=1))}"


def _accuracies(path: Path) -> Iterator[tuple[str, str, list[str], Array]]:
    """Yield sweep, kind, variants and accuracies (variants, seeds) of the recorded trials."""
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for sweep in dict.fromkeys(row["sweep"] for row in rows):
        own = [row for row in rows if row["sweep"] == sweep]
        names = list(dict.fromkeys(row["variant"] for row in own))
        values = np.full((len(names), 20), math.nan)
        for row in own:
            values[names.index(row["variant"]), int(row["seed"])] = float(row["test_accuracy"])
        yield sweep, own[0]["kind"], names, values


if __name__ == "__main__":
    main()
