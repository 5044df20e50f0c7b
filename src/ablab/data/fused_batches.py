"""Batches of several trials as one: the images of all, trial by trial."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from ablab.data.batches import Batches


class FusedBatches:
    """An iterable of batches ``(x, y)`` of T trials, (T * B, C, H, W) and (T * B, ...).

    The rows of a trial are its own batch. Where nothing but normalization is done to the images,
    those of all trials are read and normalized at once.

    Args:
        batches: of each trial, from one data set and with the same number of batches.
    """

    def __init__(self, batches: Sequence[Batches]) -> None:
        self._batches = list(batches)
        self._is_plain = all(each.is_plain for each in batches)

    def __len__(self) -> int:
        return len(self._batches[0])

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        if self._is_plain:
            yield from self._plain()
            return
        for parts in zip(*self._batches, strict=True):
            yield torch.cat([x for x, _ in parts]), torch.cat([y for _, y in parts])

    def _plain(self) -> Iterator[tuple[Tensor, Tensor]]:
        factor, term = (
            torch.stack(values).unsqueeze(1)
            for values in zip(*(each.normalization for each in self._batches), strict=True)
        )
        first = self._batches[0]
        for indices in zip(*(each.sampler for each in self._batches), strict=True):
            pixels, labels = first.select(torch.cat(indices))
            by_trial = pixels.view(len(indices), -1, pixels.shape[1])
            by_trial.mul_(factor).add_(term)
            yield first.as_images(pixels), labels
