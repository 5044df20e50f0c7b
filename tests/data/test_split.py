import itertools

import pytest
import torch

from ablab.data.split import split, subset


def test_smaller_training_sets_are_subsets_and_validation_is_unchanged():
    sets = [split(103, 0.2, seed=4, train_images=n) for n in (1, 10, 50, 82)]
    assert [len(train) for train, _ in sets] == [1, 10, 50, 82]
    for (smaller, val), (larger, same) in itertools.pairwise(sets):
        assert set(smaller.tolist()) < set(larger.tolist())
        assert torch.equal(val, same)
    assert all(torch.equal(a, b) for a, b in zip(sets[-1], split(103, 0.2, seed=4), strict=True))


def test_parts_are_ascending_disjoint_and_complete():
    train, val = split(103, 0.2, seed=4)
    for part in (train, val):
        assert torch.equal(part, part.sort().values)
    assert sorted([*train.tolist(), *val.tolist()]) == list(range(103))


def test_without_validation_all_may_train():
    train, val = split(10, 0.0, seed=0)
    assert (train.tolist(), len(val)) == (list(range(10)), 0)


@pytest.mark.parametrize("n", [0, -3, 83])
def test_more_images_than_can_train_are_refused(n):
    message = rf"data\.train_images must be from 1 to .*, 82, got {n}"
    with pytest.raises(ValueError, match=message):
        split(103, 0.2, seed=0, train_images=n)


def test_smaller_validation_sets_are_subsets_and_training_is_unchanged():
    sets = [split(103, 0.2, seed=4, val_images=n) for n in (1, 10, 21)]
    assert [len(val) for _, val in sets] == [1, 10, 21]
    for (train, smaller), (same, larger) in itertools.pairwise(sets):
        assert set(smaller.tolist()) < set(larger.tolist())
        assert torch.equal(train, same)
    assert all(torch.equal(a, b) for a, b in zip(sets[-1], split(103, 0.2, seed=4), strict=True))


@pytest.mark.parametrize("n", [0, 22])
def test_more_images_than_can_validate_are_refused(n):
    message = rf"data\.val_images must be an integer from 1 to .* validation images, 21, got {n}"
    with pytest.raises(ValueError, match=message):
        split(103, 0.2, seed=0, val_images=n)


def test_subsets_of_a_part_are_nested_ascending_and_drawn_from_all_of_it():
    some, more = subset("test", 1000, 20), subset("test", 1000, 100)
    assert set(some.tolist()) < set(more.tolist())
    assert torch.equal(more, more.sort().values)
    assert more.max() > 500 > more.min()  # data sets are often sorted by class
    assert subset("test", 1000, None).tolist() == list(range(1000))
    assert not torch.equal(some, subset("val", 1000, 20))
    for n in (0, 1001):
        with pytest.raises(ValueError, match=r"data\.test_images must be .* test images, 1000"):
            subset("test", 1000, n)
