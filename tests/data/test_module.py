import pickle
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from ablab.components.dataset.digits import digits
from ablab.data.module import InMemoryDataModule
from ablab.data.perturbation import Perturbation


@pytest.fixture
def build(image_set):
    def build(val_fraction=0.2, split_seed=None, image_set=image_set, **attributes):
        module = InMemoryDataModule(image_set, val_fraction, split_seed)
        for name, value in ({"batch_size": 16} | attributes).items():
            setattr(module, name, value)
        return module

    return build


def attached(module, rank=0, world_size=1, device="cpu"):
    strategy = SimpleNamespace(root_device=torch.device(device))
    module.trainer = SimpleNamespace(strategy=strategy, global_rank=rank, world_size=world_size)
    return module


def pixels(batches):
    """Return the images of batches, each as bytes."""
    return [image.numpy().tobytes() for x, _ in batches for image in x.contiguous()]


def everything(module):
    """Return training batches that hold all images."""
    module.batch_size = 1
    return module.train_dataloader()


def same(first, second):
    pairs = list(zip(first, second, strict=True))
    return all(torch.equal(a, c) and torch.equal(b, d) for (a, b), (c, d) in pairs)


def test_properties_are_known_without_any_data(build, image_set):
    def unreadable():
        raise AssertionError

    module = build(image_set=replace(image_set, read=unreadable))
    assert (module.in_channels, module.num_classes, module.image_size) == (3, 10, 8)
    assert module.class_names == tuple("abcdefghij")


def test_same_seed_same_batches(build):
    assert same(build(seed=1).train_dataloader(), build(seed=1).train_dataloader())
    assert not same(build(seed=1).train_dataloader(), build(seed=2).train_dataloader())


def test_a_resumed_epoch_has_the_same_batches(build):
    uninterrupted, resumed = build().train_dataloader(), build().train_dataloader()
    for epoch in range(4):
        uninterrupted.sampler.set_epoch(epoch)
        batches = list(uninterrupted)
    resumed.sampler.set_epoch(3)
    assert same(batches, resumed)


def test_train_val_and_test_are_disjoint_and_complete(build):
    module = build()
    train, val = pixels(everything(module)), pixels(module.val_dataloader())
    test = pixels(module.test_dataloader())
    assert (len(train), len(val), len(test)) == (82, 21, 23)  # 21 = round(0.2 * 103)
    assert len({*train, *val, *test}) == 126


def test_split_depends_on_split_seed_or_else_on_the_seed(build):
    def val(**options):
        return pixels(build(**options).val_dataloader())

    assert val(seed=1) == val(seed=1)
    assert val(seed=1) != val(seed=2)
    assert val(split_seed=5, seed=1) == val(split_seed=5, seed=2) == val(seed=5)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan"), None])
def test_a_fraction_out_of_range_is_refused(build, fraction):
    with pytest.raises(ValueError, match=r"val_fraction must be between 0 and 1, .* got"):
        build(val_fraction=fraction)


def test_a_fraction_of_no_image_is_refused(build):
    with pytest.raises(ValueError, match="val_fraction must take at least one of 103 images"):
        build(val_fraction=0.001).val_dataloader()


@pytest.mark.parametrize("train_images", [None, 30, 60])
def test_training_images_are_normalized_by_their_own_statistics(build, train_images):
    module = build(train_images=train_images)
    x = torch.cat([x for x, _ in everything(module)])
    assert len(x) == (train_images or 82)
    torch.testing.assert_close(x.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(x.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-5, rtol=0)


def test_unstandardized_pixels_are_from_0_to_1(build, image_set):
    x, _ = next(iter(build(standardize=False).test_dataloader()))
    images = torch.from_numpy(image_set.read()["test_images"]).permute(0, 3, 1, 2)
    torch.testing.assert_close(x, images / 255)


@pytest.mark.parametrize(
    "options",
    [{}, {"standardize": False}, {"trained_normalization": ((0.1, 0.2, 0.3), (0.5, 0.6, 0.7))}],
)
def test_pixels_of_a_batch_are_those_of_the_source(build, options):
    module = build(**options)
    shown = torch.cat([module.to_pixels(x) for x, _ in module.test_dataloader()])
    source = torch.cat(list(module.test_pixels())).permute(0, 3, 1, 2)
    assert torch.equal(shown, source)


def test_smaller_training_sets_are_subsets_and_validation_is_unchanged(build):
    some, more = (build(train_images=n, standardize=False) for n in (20, 60))
    few, many = set(pixels(everything(some))), set(pixels(everything(more)))
    assert (len(few), len(many)) == (20, 60)
    assert few < many
    assert pixels(some.val_dataloader()) == pixels(more.val_dataloader())
    assert some.counts()["train_images"] == 20


def test_more_training_images_than_available_are_refused(build):
    with pytest.raises(ValueError, match=r"data\.train_images must be from 1 to .* 82, got 83"):
        build(train_images=83).train_dataloader()


def test_validation_and_test_are_normalized_by_the_training_statistics(build, image_set):
    module = build()
    mean, std = (torch.tensor(values)[:, None, None] for values in module.statistics)
    images = torch.from_numpy(image_set.read()["test_images"]).permute(0, 3, 1, 2)
    ((x, _),) = module.test_dataloader()
    torch.testing.assert_close(x, (images / 255 - mean) / std)
    assert build(seed=1).statistics != module.statistics  # another split
    assert build(seed=1, split_seed=0).statistics == module.statistics


def test_statistics_follow_a_change_of_the_seed(build):
    module = build()
    first = module.statistics
    module.seed = 1
    assert module.statistics == build(seed=1).statistics != first


def test_subsets_are_the_same_for_all_seeds_and_are_reported(build):
    some, whole = build(val_images=5, test_images=7), build()
    assert same(some.train_dataloader(), whole.train_dataloader())
    for part, n in (("val", 5), ("test", 7)):
        few, all_ = (pixels(getattr(m, f"{part}_dataloader")()) for m in (some, whole))
        assert len(few) == n
        assert set(few) < set(all_)
    assert pixels(build(test_images=7, seed=3, standardize=False).test_dataloader()) == pixels(
        build(test_images=7, standardize=False).test_dataloader()
    )
    assert some.counts() | {"num_classes": 10} == some.counts()
    assert (some.counts()["val_images"], some.counts()["test_images"]) == (5, 7)
    assert some.slices == {"val_images_available": 21, "test_images_available": 23}
    assert some.notes == (
        "Of 21 validation images 5 are used (data.val_images).",
        "Of 23 test images 7 are used (data.test_images).",
    )
    assert (whole.slices, whole.notes) == ({}, ())


def test_perturbations_of_a_test_subset_equal_those_of_the_whole(build):
    def by_plain(module):
        plain, noisy = pixels(module.test_dataloader()), None
        module.perturbation = Perturbation("noise", 0.1)
        noisy = pixels(module.test_dataloader())
        return dict(zip(plain, noisy, strict=True))

    assert by_plain(build(test_images=7)).items() < by_plain(build()).items()


@pytest.mark.parametrize("options", [{"val_images": 22}, {"test_images": 24}, {"train_images": 83}])
def test_check_refuses_parts_that_are_too_small(build, options):
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=rf"data\.{name} must be .* {value - 1}, got {value}"):
        build(**options).check()


def test_a_full_batch_is_all_training_images(build):
    for module, size in (
        (build(batch_size="full"), 82),
        (build(batch_size="full", train_images=9), 9),
    ):
        assert module.batch_size == size
        ((x, _),) = module.train_dataloader()
        assert len(x) == size
    halves = [attached(build(batch_size="full"), rank, 2).train_dataloader() for rank in (0, 1)]
    assert sum(len(pixels(half)) for half in halves) == 82


def test_a_full_batch_that_is_not_divisible_by_the_processes_is_refused(build):
    module = attached(build(batch_size="full", train_images=9), 0, 2)
    with pytest.raises(ValueError, match=r"batch_size must be divisible by .* 2, got 9"):
        module.train_dataloader()


def test_another_word_as_batch_size_is_refused(build):
    with pytest.raises(ValueError, match="batch_size must be a number or full, got all"):
        build(batch_size="all")


def test_all_parts_have_the_same_pixel_permutation(build):
    def images(permute, seed=0):
        module = build(permute_pixels=permute, split_seed=0, seed=seed, batch_size=82)
        parts = module.train_dataloader(), module.val_dataloader(), module.test_dataloader()
        return [next(iter(part))[0].flatten(2) for part in parts]

    where = None
    for plain, permuted in zip(images(False), images(True), strict=True):
        if where is None:  # find the permutation from the values of the first image
            where = torch.stack(
                [(plain[0] == v[:, None]).all(0).nonzero()[0, 0] for v in permuted[0].T]
            )
            assert sorted(where.tolist()) == list(range(64))
            assert where.tolist() != list(range(64))
        assert torch.equal(plain[:, :, where], permuted)
    assert not torch.equal(images(True)[2], images(True, seed=1)[2])


def test_perturbations_change_test_images_alone(build):
    plain, changed = build(), build(perturbation=Perturbation("brightness", 0.2))
    assert same(plain.train_dataloader(), changed.train_dataloader())
    assert same(plain.val_dataloader(), changed.val_dataloader())
    assert not same(plain.test_dataloader(), changed.test_dataloader())


@pytest.fixture
def with_val(image_set):
    def read():
        arrays = dict(image_set.read())
        images, labels = 255 - arrays["test_images"][:7], arrays["test_labels"][:7]
        return arrays | {"val_images": images, "val_labels": labels}

    return replace(image_set, fingerprint="with val", read=read, has_val=True)


def test_a_validation_part_is_used_and_all_others_train(build, with_val):
    module = build(val_fraction=None, image_set=with_val)
    assert len(pixels(everything(module))) == 103
    assert len(pixels(module.val_dataloader())) == 7
    assert module.counts()["val_images"] == 7
    train, val = set(pixels(everything(module))), set(pixels(module.val_dataloader()))
    assert not train & val
    module.setup()
    assert build(image_set=replace(with_val, has_val=False)).content_hash != module.content_hash


def test_subsets_of_a_validation_part(build, with_val):
    some, whole = (build(val_fraction=None, image_set=with_val, val_images=n) for n in (3, None))
    assert set(pixels(some.val_dataloader())) < set(pixels(whole.val_dataloader()))
    assert some.slices == {"val_images_available": 7}


def test_a_fraction_besides_a_validation_part_is_refused(build, with_val):
    with pytest.raises(ValueError, match=r"val_fraction must be null where .* got 0\.1"):
        build(val_fraction=0.1, image_set=with_val)


def test_two_processes_share_each_training_batch(build):
    whole = list(build().train_dataloader())
    ranks = [attached(build(), rank, 2).train_dataloader() for rank in (0, 1)]
    joined = [
        (torch.cat([x0, x1]), torch.cat([y0, y1]))
        for (x0, y0), (x1, y1) in zip(*ranks, strict=True)
    ]
    assert same(whole, joined)


def test_processes_share_all_test_images(build):
    module = build(eval_batch_size=4)
    whole = pixels(module.test_dataloader())
    ranks = [attached(build(eval_batch_size=4), rank, 3).test_dataloader() for rank in range(3)]
    assert [image for rank in ranks for image in pixels(rank)] == whole


def test_a_batch_that_is_not_divisible_by_the_processes_is_refused(build):
    with pytest.raises(ValueError, match="batch_size must be divisible by the number of processes"):
        attached(build(batch_size=15), 0, 2).train_dataloader()


def test_a_batch_larger_than_the_set_is_refused(build):
    with pytest.raises(ValueError, match=r"batch_size must be from 1 to .* 82, got 128"):
        build(batch_size=128).train_dataloader()


def test_images_are_on_the_training_device(build):
    module = attached(build(), device="meta")
    module.setup("fit")
    x, y = next(iter(module.val_dataloader()))
    assert (x.device.type, y.device.type) == ("meta", "meta")


def test_test_images_are_not_loaded_before_the_test(build, image_set, monkeypatch):
    module = build()
    module.prepare_data()
    loaded = []
    original = torch.from_numpy
    monkeypatch.setattr(torch, "from_numpy", lambda a: loaded.append(len(a)) or original(a))
    module.setup("fit")
    assert set(loaded) == {103}
    module.setup("test")
    assert set(loaded) == {103, 23}


def test_content_hash_depends_on_data_and_class_names(build, image_set):
    def changed(name):
        arrays = dict(image_set.read())
        arrays[name] = arrays[name] ^ 1
        return replace(image_set, fingerprint=f"changed_{name}", read=lambda: arrays)

    hashes = {build(image_set=changed(name)).content_hash for name in image_set.read()}
    assert len(hashes | {build().content_hash}) == 5
    named = replace(image_set, class_names=tuple("ABCDEFGHIJ"))
    assert build(image_set=named).content_hash not in hashes | {build().content_hash}
    renamed = replace(image_set, fingerprint="elsewhere")
    assert build(val_fraction=0.5, image_set=renamed).content_hash == build().content_hash


def test_a_module_can_be_pickled():
    module = digits()
    assert same(pickle.loads(pickle.dumps(module)).val_dataloader(), module.val_dataloader())


class Linear(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(192, 10)
        self.seen = {"train": [], "val": [], "test": []}
        self.epochs = []

    def step(self, part, batch):
        x, y = batch
        self.seen[part].append(y)
        return torch.nn.functional.cross_entropy(self.layer(x.flatten(1)), y)

    def on_train_epoch_start(self):
        self.epochs.append(self.trainer.train_dataloader.sampler.epoch)

    def training_step(self, batch):
        return self.step("train", batch)

    def validation_step(self, batch):
        self.step("val", batch)

    def test_step(self, batch):
        self.step("test", batch)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


lightnings_own_warning = pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")


def trainer(folder, **options):
    return pl.Trainer(
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        default_root_dir=folder,
        **options,
    )


@lightnings_own_warning
def test_a_plain_trainer_sets_the_epoch_and_tests(build, tmp_path):
    model, module = Linear(), build()
    lightning = trainer(tmp_path, max_epochs=2, enable_checkpointing=False)
    lightning.fit(model, datamodule=module)
    lightning.test(model, datamodule=module, verbose=False)
    assert model.epochs == [0, 1]
    expected = build().train_dataloader()
    labels = []
    for epoch in (0, 1):
        expected.sampler.set_epoch(epoch)
        labels += [y for _, y in expected]
    assert torch.equal(torch.cat(model.seen["train"]), torch.cat(labels))
    assert len(torch.cat(model.seen["val"])) == 2 * 21
    np.testing.assert_array_equal(
        torch.cat(model.seen["test"]), build()._image_set.read()["test_labels"]
    )


@lightnings_own_warning
def test_a_resumed_trainer_continues_with_the_next_epoch(build, tmp_path):
    whole, first, resumed = Linear(), Linear(), Linear()
    trainer(tmp_path, max_epochs=3, enable_checkpointing=False).fit(whole, datamodule=build())
    before = trainer(tmp_path, max_epochs=1, enable_checkpointing=False)
    before.fit(first, datamodule=build())
    before.save_checkpoint(tmp_path / "one.ckpt")
    trainer(tmp_path, max_epochs=3, enable_checkpointing=False).fit(
        resumed, datamodule=build(), ckpt_path=tmp_path / "one.ckpt", weights_only=True
    )
    assert resumed.epochs == [1, 2]
    seen = first.seen["train"] + resumed.seen["train"]
    assert torch.equal(torch.cat(whole.seen["train"]), torch.cat(seen))
