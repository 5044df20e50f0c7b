"""Calibration of a classifier: does a confidence of 90 % mean 90 % correct?"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NUM_BINS = 15


@dataclass(frozen=True)
class Calibration:
    """Stores accuracy and confidence in bins of equal width, bin ``b`` is (b/B, (b+1)/B].

    Attributes:
        images: (B,) number of images in each bin.
        confidence: (B,) their mean confidence; NaN in an empty bin.
        accuracy: (B,) the share of them that is classified correctly; NaN in an empty bin.
    """

    images: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def error(self) -> float:
        """The expected calibration error, in [0, 1]; NaN without images.

        The mean of |accuracy - confidence| over the bins, weighted by their images. 0 is perfect;
        the value depends on the number of bins, so that only values of one number compare.

        Source: Naeini et al. 2015 (AAAI); Guo et al. 2017, arXiv:1706.04599, equation 3, with the
        15 bins of their experiments.
        """
        if not self.images.sum():
            return math.nan
        gaps = np.nan_to_num(np.abs(self.accuracy - self.confidence))
        return float((self.images * gaps).sum() / self.images.sum())


def calibration(
    confidence: NDArray[np.floating], correct: NDArray[np.bool_], num_bins: int = NUM_BINS
) -> Calibration:
    """Return accuracy and mean confidence by bins of the confidence.

    Args:
        confidence: (N,), the largest probability of each image, in [0, 1]; an image whose
            confidence is NaN is left out.
        correct: (N,), whether the class of that probability is the true one.
        num_bins: B.

    Example:
        >>> table = calibration(np.array([0.9, 0.9, 0.6]), np.array([True, False, True]))
        >>> round(table.error, 3)
        0.4
    """
    known = np.isfinite(confidence)
    values = confidence[known].astype(np.float64)
    bins = np.clip(np.ceil(values * num_bins).astype(np.int64) - 1, 0, num_bins - 1)
    images = np.bincount(bins, minlength=num_bins)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(bins, values, num_bins) / images
        accuracy = np.bincount(bins, correct[known].astype(np.float64), num_bins) / images
    return Calibration(images, mean, accuracy)
