import pytest
import torch

from ablab.data.order import EpochOrder, FixedOrder
from ablab.data.settings import SHUFFLES

INDICES = torch.arange(100, 203)


def of_epoch(order, epoch):
    order.set_epoch(epoch)
    return torch.cat(list(order))


def test_an_epoch_has_whole_batches_of_different_images():
    order = EpochOrder(INDICES, 25, seed=0)
    assert len(order) == 4
    assert [len(batch) for batch in order] == [25] * 4
    chosen = torch.cat(list(order)).tolist()
    assert len(set(chosen)) == 100
    assert set(chosen) <= set(INDICES.tolist())


def test_order_is_a_function_of_seed_and_epoch():
    first, again = EpochOrder(INDICES, 25, seed=3), EpochOrder(INDICES, 25, seed=3)
    of_epoch(again, 7)  # earlier epochs do not matter
    assert torch.equal(of_epoch(first, 2), of_epoch(again, 2))
    assert not torch.equal(of_epoch(first, 2), of_epoch(first, 3))
    assert not torch.equal(of_epoch(first, 2), of_epoch(EpochOrder(INDICES, 25, seed=4), 2))


def test_shuffle_once_repeats_the_order_of_the_first_epoch():
    first = of_epoch(EpochOrder(INDICES, 25, seed=3), 0)
    once = EpochOrder(INDICES, 25, seed=3, shuffle="once")
    assert torch.equal(of_epoch(once, 0), first)
    assert torch.equal(of_epoch(once, 5), first)


def test_without_shuffling_the_order_is_that_of_the_indices():
    order = EpochOrder(INDICES, 25, seed=3, shuffle="none")
    for epoch in (0, 4):
        assert torch.equal(of_epoch(order, epoch), INDICES[:100])


def test_with_replacement_all_images_are_equally_likely():
    order = EpochOrder(INDICES, 103, seed=3, shuffle="with_replacement")
    epochs = torch.stack([of_epoch(order, epoch) for epoch in range(400)])
    assert not torch.equal(epochs[0], epochs[1])
    assert set(epochs.unique().tolist()) == set(INDICES.tolist())
    # An image is absent from an epoch with probability (1 - 1/n)^n, nearly 1/e.
    absent = torch.stack([~torch.isin(INDICES, epoch) for epoch in epochs]).double().mean()
    assert float(absent) == pytest.approx((1 - 1 / 103) ** 103, abs=0.01)


@pytest.mark.parametrize("shuffle", SHUFFLES)
def test_processes_share_a_batch_and_epochs_can_be_replayed_with_every_shuffle(shuffle):
    whole = EpochOrder(INDICES, 24, seed=1, shuffle=shuffle)
    slices = [EpochOrder(INDICES, 24, 1, rank, 2, shuffle=shuffle) for rank in (0, 1)]
    of_epoch(whole, 0)
    for order in (whole, *slices):
        order.set_epoch(2)
    joined = [torch.cat(parts) for parts in zip(*slices, strict=True)]
    assert len(joined) == 4
    assert all(torch.equal(a, b) for a, b in zip(joined, whole, strict=True))


def test_an_unknown_shuffle_is_refused():
    with pytest.raises(ValueError, match=r"data\.shuffle must be one of .*, got sometimes"):
        EpochOrder(INDICES, 25, seed=0, shuffle="sometimes")


def test_the_epoch_does_not_change_unless_set():
    order = EpochOrder(INDICES, 25, seed=0)
    assert torch.equal(torch.cat(list(order)), torch.cat(list(order)))


@pytest.mark.parametrize("world_size", [1, 2, 3, 4])
def test_slices_of_all_processes_are_the_global_batch(world_size):
    whole = list(EpochOrder(INDICES, 24, seed=1))
    slices = [EpochOrder(INDICES, 24, 1, rank, world_size) for rank in range(world_size)]
    joined = [torch.cat(parts) for parts in zip(*slices, strict=True)]
    assert len(joined) == len(whole) == 4
    assert all(torch.equal(a, b) for a, b in zip(joined, whole, strict=True))


@pytest.mark.parametrize("batch_size", [0, -1, 104])
def test_a_batch_size_out_of_range_is_refused(batch_size):
    message = f"batch_size must be from 1 to .* 103, got {batch_size}"
    with pytest.raises(ValueError, match=message):
        EpochOrder(INDICES, batch_size, seed=0)


def test_a_batch_size_not_divisible_by_the_processes_is_refused():
    message = "batch_size must be divisible by the number of processes, 4, got 25"
    with pytest.raises(ValueError, match=message):
        EpochOrder(INDICES, 25, seed=0, rank=0, world_size=4)


@pytest.mark.parametrize("world_size", [1, 2, 3, 8])
@pytest.mark.parametrize("batch_size", [1, 10, 103, 500])
def test_parts_of_all_processes_are_the_set_in_order(world_size, batch_size):
    parts = [FixedOrder(INDICES, batch_size, rank, world_size) for rank in range(world_size)]
    assert [len(part) for part in parts] == [len(list(part)) for part in parts]
    assert torch.equal(torch.cat([batch for part in parts for batch in part]), INDICES)


def test_more_processes_than_images_are_possible():
    parts = [list(FixedOrder(torch.arange(2), 10, rank, 3)) for rank in range(3)]
    assert torch.cat([batch for part in parts for batch in part]).tolist() == [0, 1]


def test_eval_batch_size_must_be_positive():
    with pytest.raises(ValueError, match="eval_batch_size must be at least 1, got 0"):
        FixedOrder(INDICES, 0)
