"""A user's LightningDataModule: its requirements and its reproducibility."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    TensorDataset,
    random_split,
)

from ablab.data.errors import DataError
from ablab.data.plain import PlainDataModule


class Own(pl.LightningDataModule):
    """30 images, each with its own constant value: 18 for training, 6 validation, 6 test."""

    in_channels, num_classes, image_size = 1, 3, 4

    def __init__(self, **loader):
        super().__init__()
        self.loader = {"batch_size": 4} | loader
        self.calls = []

    def prepare_data(self):
        self.calls.append("prepare_data")

    def setup(self, stage=None):
        self.calls.append(f"setup {stage}")
        x = torch.arange(30.0)[:, None, None, None].expand(30, 1, 4, 4)
        self.parts = random_split(TensorDataset(x, torch.arange(30) % 3), [18, 6, 6])

    def train_dataloader(self):
        return DataLoader(self.parts[0], shuffle=True, **self.loader)

    def val_dataloader(self):
        return DataLoader(self.parts[1], batch_size=4)

    def test_dataloader(self):
        return DataLoader(self.parts[2], batch_size=4)


def of(inner=None, seed=0, **attributes):
    inner = inner or Own()
    for name, value in attributes.items():
        setattr(inner, name, value)
    data = PlainDataModule(inner, "own")
    data.seed = seed
    return data


def values(batches):
    return [int(v) for x, _ in batches for v in x[:, 0, 0, 0]]


def epochs(data, *numbers):
    loader = data.train_dataloader()
    found = []
    for number in numbers:
        loader.sampler.set_epoch(number)
        found.append(values(loader))
    return found


def disturb():
    """Draw from all global generators, as a network may."""
    return torch.rand(3), np.random.rand(3), random.random()  # noqa: NPY002


def test_properties_are_those_of_the_users_module():
    data = of()
    assert (data.in_channels, data.num_classes, data.image_size) == (1, 3, 4)
    assert data.class_names == ("0", "1", "2")
    assert of(class_names=["a", "b", "c"]).class_names == ("a", "b", "c")
    assert data.counts() == {
        "num_classes": 3,
        "train_images": 18,
        "val_images": 6,
        "test_images": 6,
    }


def test_batches_are_unchanged():
    data = of()
    (x, y), *_ = data.test_dataloader()
    assert x.shape == (4, 1, 4, 4)
    assert torch.equal(x[:, 0, 0, 0].long() % 3, y)
    parts = [data.train_dataloader(), data.val_dataloader(), data.test_dataloader()]
    assert sorted(v for part in parts for v in values(part)) == list(range(30))


def test_the_split_is_the_same_for_all_trials_and_processes():
    first = of(seed=0)
    tested = values(first.test_dataloader())
    disturb()
    other = of(seed=1)
    assert values(other.test_dataloader()) == tested
    assert values(other.val_dataloader()) == values(first.val_dataloader())


def test_order_is_a_function_of_seed_and_epoch_alone():
    (zero, one, two) = epochs(of(), 0, 1, 2)
    assert zero != one != two
    assert sorted(zero) == sorted(one)
    disturb()
    assert epochs(of(), 2) == [two]  # a resumed trial
    assert epochs(of(seed=1), 0) != [zero]


@pytest.mark.parametrize("own_seed", [3, 4])
def test_a_loaders_own_generator_is_reseeded_in_each_epoch(own_seed):
    def given():
        return of(Own(generator=torch.Generator().manual_seed(own_seed)))

    zero, one = epochs(given(), 0, 1)
    assert zero != one
    assert epochs(given(), 1) == [one]
    assert epochs(of(Own(generator=torch.Generator().manual_seed(9))), 1) != [one]


class Noisy(Dataset):
    def __len__(self):
        return 12

    def __getitem__(self, index):
        noise = torch.rand(()) + np.random.rand() + random.random()  # noqa: NPY002
        return noise.float().expand(1, 4, 4), index % 3


def noise_of(data, between=lambda: None, epoch=0):
    found = []
    loader = data.train_dataloader()
    loader.sampler.set_epoch(epoch)
    for x, _ in loader:
        found += x[:, 0, 0, 0].tolist()
        between()
    return found


@pytest.mark.parametrize("workers", [{}, {"num_workers": 1, "persistent_workers": True}])
def test_random_transforms_do_not_depend_on_the_networks_draws(workers, recwarn):
    class Transformed(Own):
        def train_dataloader(self):
            return DataLoader(Noisy(), batch_size=4, **workers)

    whole = of(Transformed())
    zero, one = noise_of(whole, epoch=0), noise_of(whole, epoch=1)
    assert zero != one
    assert noise_of(of(Transformed()), between=disturb, epoch=1) == one
    assert noise_of(whole, epoch=0) == zero


def test_loading_batches_restores_the_global_generators():
    data = of()
    data.setup("fit")
    torch.manual_seed(5)
    expected = torch.rand(4)
    torch.manual_seed(5)
    list(data.train_dataloader())
    assert torch.equal(torch.rand(4), expected)


def test_setup_is_called_once_per_stage_and_again_after_teardown():
    inner = Own()
    data = of(inner)
    data.check()
    data.setup("fit")
    list(data.test_dataloader())
    assert inner.calls == ["prepare_data", "setup fit", "setup test"]
    data.teardown("test")
    data.test_dataloader()
    assert inner.calls[3:] == ["setup test"]


def test_probe_batch_is_the_same_at_each_call():
    data = of()
    x, y = data.probe_batch(6)
    assert x.shape == (6, 1, 4, 4)
    list(data.train_dataloader())
    again, _ = of().probe_batch(6)
    assert torch.equal(x, again)
    assert torch.equal(x[:, 0, 0, 0].long() % 3, y)
    assert len(data.probe_batch(100)[0]) == 18
    assert torch.equal(data.first_images(), next(iter(data.train_dataloader()))[0])


def test_trainer_hooks_and_state_are_delegated():
    class Hooked(Own):
        def on_after_batch_transfer(self, batch, dataloader_idx):
            return batch[0] + 1, batch[1]

        def state_dict(self):
            return {"position": 3}

    inner = Hooked()
    data = of(inner)
    data.trainer = SimpleNamespace(name="a trainer")
    assert inner.trainer is data.trainer
    assert data.on_after_batch_transfer((1, 2), 0) == (2, 2)
    assert data.state_dict() == {"position": 3}


def test_notes_say_what_is_not_recorded():
    class Shuffled(Own):
        def test_dataloader(self):
            return DataLoader(self.parts[2], sampler=RandomSampler(self.parts[2]), batch_size=4)

    plain, shuffled, named = of(), of(Shuffled()), of(content_hash="v1")
    assert plain.has_fixed_test_order
    assert not shuffled.has_fixed_test_order
    texts = [" ".join(data.notes) for data in (plain, shuffled, named)]
    assert ["no fixed order" in text for text in texts] == [False, True, False]
    assert ["content of its data is not in" in text for text in texts] == [True, True, False]
    assert all("LightningDataModule of the user's own" in text for text in texts)


def test_content_hash_depends_on_identity_and_own_content_hash():
    hashes = {
        PlainDataModule(Own(), "one").content_hash,
        PlainDataModule(Own(), "two").content_hash,
        of(content_hash="v1").content_hash,
        of(content_hash="v2").content_hash,
    }
    assert len(hashes) == 4
    assert PlainDataModule(Own(), "one").content_hash in hashes
    with pytest.raises(DataError, match="dataset must have a text as its content_hash, got 3"):
        _ = of(content_hash=3).content_hash


@pytest.mark.parametrize(
    ("loader", "images", "smallest"),
    [({}, 18, 2), ({"drop_last": True}, 16, 4), ({"batch_size": 17}, 18, 1)],
)
def test_images_of_an_epoch_and_its_smallest_batch_are_known(loader, images, smallest):
    data = of(Own(**loader))
    assert data.counts()["train_images"] == data.epoch_images(99) == images
    assert data.smallest_batch == smallest
    sizes = [len(y) for _, y in data.train_dataloader()]
    assert (sum(sizes), min(sizes)) == (images, smallest)


def test_images_of_a_custom_loader_are_counted():
    class Stream(IterableDataset):
        def __len__(self):
            return 7

        def __iter__(self):
            return iter([(torch.zeros(1, 4, 4), 0)] * 7)

    class Streamed(Own):
        def test_dataloader(self):
            return DataLoader(Stream(), batch_size=3)

    data = of(Streamed())
    assert data.counts()["test_images"] == 7
    assert not data.has_fixed_test_order


def loading(**parts):
    """Return a data module with the given loaders."""
    functions = {f"{p}_dataloader": lambda self, given=given: given for p, given in parts.items()}
    return of(type("Odd", (Own,), functions)())


class Loader:
    """A custom loader of given batches."""

    def __init__(self, *batches):
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        return iter(self.batches)


X, Y = torch.zeros(2, 1, 4, 4), torch.zeros(2, dtype=torch.long)
GOOD = Loader((X, Y))


@pytest.mark.parametrize(
    ("part", "loader", "message"),
    [
        ("train", Loader(X), r"must give two tensors \(x, y\), got Tensor in batch 0 of train_"),
        ("val", Loader({"x": X}), r"must give two tensors \(x, y\), got dict in batch 0 of val_"),
        ("test", Loader((X, [0, 1])), r"two tensors .* got tuple of Tensor, list in batch 0 of te"),
        ("train", Loader((X, Y, Y)), r"must give \(x, y\), got 3 tensors in batch 0 of train_"),
        ("train", Loader((X.byte(), Y)), r"x of shape .* got torch.uint8 \(2, 1, 4, 4\)"),
        ("train", Loader((X[:, :, :3], Y)), r"\(N, 1, 4, 4\), .* got .* \(2, 1, 3, 4\)"),
        ("train", Loader((X.expand(2, 3, 4, 4), Y)), r"its in_channels and image_size say, got"),
        ("train", Loader((X, Y + 3)), r"class indices \(N,\), 0 to 2, .* got .* 3 to 3, in batch"),
        ("train", Loader((X, Y - 1)), r"int64 class indices .* -1 to -1, in batch 0"),
        ("train", Loader((X, Y.int())), r"class indices .* got torch.int32 \(2,\) in batch 0"),
        ("train", Loader((X, Y[:, None])), r"class indices .* got torch.int64 \(2, 1\), 0 to 0"),
        (
            "train",
            Loader((X, torch.zeros(2, 4))),
            r"probabilities \(N, 3\), .* torch.float32",
        ),
        ("train", Loader(), r"len\(loader\) >= 1, which the learning rate's schedule needs"),
        ("train", iter([(X, Y)]), r"knows its number of batches, .* got list_iterator"),
        ("train", {"a": GOOD}, r"must return from train_dataloader one loader .* got dict"),
        ("val", [GOOD, GOOD], r"must return from val_dataloader one loader .* got list"),
        ("val", None, r"must return from val_dataloader one loader .* got NoneType"),
    ],
)
def test_invalid_batches_are_refused_before_training(part, loader, message):
    loading(train=GOOD, val=GOOD, test=GOOD).check()
    with pytest.raises(DataError, match=f"dataset .*{message}"):
        loading(**{"train": GOOD, "val": GOOD, "test": GOOD} | {part: loader}).check()


def test_an_invalid_later_batch_is_reported():
    data = loading(train=Loader((X, Y), (X, Y + 7)))
    with pytest.raises(
        DataError, match=r"got torch.int64 \(2,\), 7 to 7, in batch 1 of train_data"
    ):
        list(data.train_dataloader())


@pytest.mark.parametrize("name", ["prepare_data", "setup", "train_dataloader"])
def test_an_error_in_the_users_code_is_reported_with_its_line(name):
    def broken(self, *_):
        raise KeyError("labels")

    data = of(type("Broken", (Own,), {name: broken})())
    message = rf"must work, got KeyError: 'labels' in Broken\.{name} \(.*test_plain\.py, line \d+\)"
    with pytest.raises(DataError, match=message):
        data.check()


def test_a_missing_loader_is_reported():
    class Half(pl.LightningDataModule):
        in_channels, num_classes, image_size = 1, 3, 4

    with pytest.raises(DataError, match=r"must work, got .*train_dataloader.* in Half\.train_data"):
        of(Half()).check()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_size": None}, "must have the attributes in_channels, num_classes, image_size .* "),
        ({"image_size": (4, 4)}, r"must have an integer >= 1 as its image_size, got \(4, 4\) in"),
        ({"num_classes": 1}, "must have an integer >= 2 as its num_classes, got 1 in Own"),
        ({"in_channels": True}, "must have an integer >= 1 as its in_channels, got True"),
        ({"class_names": ["a"]}, "must have as many class_names as num_classes, 3, got 1 in Own"),
    ],
)
def test_missing_or_wrong_attributes_are_refused(change, message):
    with pytest.raises(ValueError, match=f"dataset {message}"):
        of(**change)


def test_class_names_are_checked():
    with pytest.raises(ValueError, match=r"dataset\.class_names must give each class a name that"):
        of(class_names=["a", "b\x1b", "c"]).check()


def test_an_object_that_is_not_a_datamodule_is_refused():
    with pytest.raises(
        ValueError, match="dataset must be a LightningDataModule, got TensorDataset"
    ):
        PlainDataModule(TensorDataset(torch.zeros(3)), "")


def test_scikit_learn_baselines_need_class_indices():
    soft = loading(train=Loader((X, torch.full((2, 3), 1 / 3))))
    with pytest.raises(DataError, match=r"must give class indices \(N,\) here, got \(2, 3\)"):
        list(soft.each_once())
