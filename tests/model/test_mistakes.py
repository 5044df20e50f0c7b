"""The most confident mistakes, batch by batch, compared with sorting all images at once."""

import numpy as np
import pytest
import torch

from ablab.model.mistakes import MOST, Mistakes


@pytest.mark.parametrize("batch", [1, 7, 250, 1000])
def test_batches_give_the_same_as_one_sort(batch: int) -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.arange(1000.0).view(-1, 1, 1, 1).repeat(1, 3, 2, 2)
    target = torch.randint(3, (1000,), generator=generator)
    predicted = torch.randint(3, (1000,), generator=generator)
    confidence = torch.rand(1000, generator=generator).mul(20).round() / 20  # with many ties
    mistakes = Mistakes()
    for parts in zip(
        *(v.split(batch) for v in (images, target, predicted, confidence)), strict=True
    ):
        mistakes.add(*parts)
    wrong = np.flatnonzero((target != predicted).numpy())
    expected = wrong[np.argsort(-confidence.numpy()[wrong], kind="stable")][:MOST]
    assert mistakes.images is not None
    np.testing.assert_array_equal(mistakes.images[:, 0, 0, 0].numpy(), expected)
    np.testing.assert_array_equal(mistakes.confidence.numpy(), confidence.numpy()[expected])
    np.testing.assert_array_equal(mistakes.target.numpy(), target.numpy()[expected])


def test_correct_images_and_unknown_confidences_have_none() -> None:
    mistakes = Mistakes()
    confidence = torch.tensor([1.0, torch.nan, 0.5])
    mistakes.add(
        torch.zeros(3, 1, 2, 2), torch.tensor([0, 0, 0]), torch.tensor([0, 1, 1]), confidence
    )
    assert mistakes.confidence.tolist() == [0.5, -1.0, -1.0]
