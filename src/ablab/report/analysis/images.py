"""The uncertainty that the sampling of test images adds to a difference."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ablab.report.analysis.trials import Row
from ablab.stats.intervals import Components
from ablab.stats.paired import Array

METRIC = "test/accuracy"


class Images:
    """Reads which test images each trial classified correctly, when they are needed.

    Args:
        rows: by block, variant and seed.
    """

    def __init__(self, rows: Mapping[tuple[str, str, int], Row]) -> None:
        self._rows = rows
        self._sums: dict[tuple[str, str, tuple[int, ...]], NDArray[np.uint16] | None] = {}

    def components(
        self, weights: Mapping[str, float], blocks: Sequence[str], seeds: tuple[int, ...]
    ) -> Components:
        """Return the variance that each test set adds to a contrast's mean, with its df.

        The variance is v/N, where v is the variance over the N images of the contrast's mean over
        seeds. Blocks with the same test set share its images. Empty if a trial did not store
        them.

        Args:
            weights: weight of each variant in the contrast.
            blocks: the blocks averaged over.
            seeds: the seeds averaged over.
        """
        means: dict[tuple[str, int], Array] = {}
        for block in blocks:
            added = self._per_image(weights, block, seeds)
            hashes = {self._rows[block, v, s].data_hash for v in weights for s in seeds}
            if added is None or len(hashes) != 1:
                return ()
            key = (hashes.pop() or block, added.size)
            means[key] = means.get(key, 0.0) + added / (len(blocks) * len(seeds))
        return tuple((float(x.var(ddof=1)) / x.size, x.size - 1.0) for x in means.values())

    def _per_image(
        self, weights: Mapping[str, float], block: str, seeds: tuple[int, ...]
    ) -> Array | None:
        """Return the weighted sum over variants and seeds for each image."""
        sums = [self._sum(block, variant, seeds) for variant in weights]
        known = [s for s in sums if s is not None]
        if len(known) < len(sums) or len({s.size for s in known}) != 1 or known[0].size < 2:
            return None
        total: Array = np.zeros(known[0].size)
        for weight, own in zip(weights.values(), known, strict=True):
            total = total + weight * own
        return total

    def _sum(self, block: str, variant: str, seeds: tuple[int, ...]) -> NDArray[np.uint16] | None:
        """Return the number of seeds on which each image was classified correctly."""
        key = (block, variant, seeds)
        if key not in self._sums:
            self._sums[key] = self._read([self._rows[block, variant, seed] for seed in seeds])
        return self._sums[key]

    @staticmethod
    def _read(rows: Sequence[Row]) -> NDArray[np.uint16] | None:
        total: NDArray[np.uint16] | None = None
        for row in rows:
            correct = row.correct()
            if correct is None or (total is not None and correct.size != total.size):
                return None
            total = correct.astype(np.uint16) if total is None else total + correct
        return total
