"""Batches of several trials are those of each, one after the other."""

import pytest
import torch

from ablab.config.compose import compose
from ablab.data.batches import Batches
from ablab.data.fused_batches import FusedBatches
from ablab.model import build


def loaders(*overrides: str, part: str = "train") -> list[Batches]:
    base = compose(["dataset=digits", "batch_size=100", *overrides])
    found = []
    for seed in (3, 8, 5):
        config = base.with_values({"seed": seed}).resolved()
        data = build.datamodule(config)
        loader = getattr(data, f"{part}_dataloader")()
        loader.sampler.epoch = seed % 3
        found.append(loader)
    return found


@pytest.mark.parametrize("part", ["train", "val", "test"])
@pytest.mark.parametrize(
    "overrides",
    [[], ["augmentation=crop_flip"], ["augmentation=mixup"], ["data.permute_pixels=true"]],
    ids=str,
)
def test_rows_are_those_of_each_trial(overrides: list[str], part: str, own_home: None):
    own = loaders(*overrides, part=part)
    fused = FusedBatches(own)
    count = 0
    for (x, y), *each in zip(fused, *own, strict=True):
        torch.testing.assert_close(x, torch.cat([a for a, _ in each]), rtol=0, atol=0)
        assert torch.equal(y, torch.cat([b for _, b in each]))
        count += 1
    assert count == len(fused) > 1
    is_changed = bool(overrides) and ("data" in overrides[0] or part == "train")
    assert all(loader.is_plain for loader in own) != is_changed
