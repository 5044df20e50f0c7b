"""Scikit-learn's handwritten digits, enlarged: a real data set without a download.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI (1998), its test
part, as in `sklearn.datasets.load_digits`: 1797 images of 8x8 pixels, values 0 to 16.
The enlarging and the split are ours.
"""

import hashlib

import numpy as np

from ablab.data.errors import DataError
from ablab.data.image_set import Bytes

NUM_TRAIN = 1437
SHA256 = "8f26b2bd9d135c256808f68f14fdabddde6d9c7f869ae419704b051f0f14b3b3"
LABELS_SHA256 = "8ba4f891220f5e4c9c819638d1602d74b83618f167043c6da52a2a247841ddf0"
FINGERPRINT = hashlib.sha256(f"{SHA256}/{LABELS_SHA256}/1".encode()).hexdigest()[:16]


def read(factor: int = 4) -> dict[str, Bytes]:
    """Return the digits as images of 8 ``factor`` pixels a side, 32x32 by default.

    The images are ordered by writer. The first 1437 are the training images and the last 360 the
    test images, so that nearly all of these are by writers without training images; the split
    does not depend on a seed.

    Args:
        factor: see `enlarge`.

    Returns:
        ``train_images``, ``test_images`` (N, 8 factor, 8 factor, 1), and ``train_labels``,
        ``test_labels`` (N,).

    Raises:
        DataError: the installed scikit-learn has other digits.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images, labels = bunch.images.astype(np.uint8), bunch.target.astype(np.uint8)
    for array, sha256 in ((images, SHA256), (labels, LABELS_SHA256)):
        got = hashlib.sha256(array.tobytes()).hexdigest()
        if got != sha256:
            raise DataError(f"scikit-learn's digits must have SHA-256 {sha256}, got {got}")
    images = enlarge(images, factor)[..., None]
    return {
        "train_images": images[:NUM_TRAIN],
        "train_labels": labels[:NUM_TRAIN],
        "test_images": images[NUM_TRAIN:],
        "test_labels": labels[NUM_TRAIN:],
    }


def enlarge(images: Bytes, factor: int = 4) -> Bytes:
    """Return images ``factor`` times as high and wide, scaled from 0..16 to 0..255.

    Bilinear with aligned pixel centers and repeated edges, as in
    ``torch.nn.functional.interpolate(..., mode="bilinear", align_corners=False)``, but in integers
    and rounded half up, so that the bytes are the same on every machine.

    Args:
        images: (N, H, W), values 0 to 16.
        factor: 1, 2 or 4.

    Returns:
        (N, factor H, factor W).
    """
    eighths = _weights(images.shape[1], factor), _weights(images.shape[2], factor)
    sums = eighths[0] @ images.astype(np.int64) @ eighths[1].T  # 64ths
    scaled: Bytes = ((255 * sums + 512) // (64 * 16)).astype(np.uint8)
    return scaled


def _weights(size: int, factor: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Return the (factor size, size) matrix of linear interpolation, in eighths."""
    weights = np.zeros((factor * size, size), np.int64)
    for row in range(factor * size):
        # (row + 1/2) / factor - 1/2, in eighths
        position = min(max((2 * row + 1) * 4 // factor - 4, 0), 8 * (size - 1))
        left, rest = divmod(position, 8)
        weights[row, left] += 8 - rest
        weights[row, min(left + 1, size - 1)] += rest
    return weights
