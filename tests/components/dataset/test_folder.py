"""A user's own images: what a folder or file must hold, and what becomes of it."""

import os
import pickle
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from ablab.components.dataset.folder import folder
from ablab.data.errors import DataError

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def own_lab(tmp_path, monkeypatch):
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "lab"))


def write(root, **counts):
    """Write so many images of each class, each of one colour of its own."""
    for name, count in counts.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            colour = RNG.integers(0, 256, 3, np.uint8)
            Image.fromarray(np.broadcast_to(colour, (6, 8, 3)).copy()).save(
                root / name / f"{number}.png"
            )
    return root


@pytest.fixture
def root(tmp_path):
    return write(tmp_path / "mine", cats=20, dogs=30)


def colours(batches):
    """Return what images come by: each is of one colour."""
    return {tuple((x * 255).round().int().tolist()) for xs, _ in batches for x in xs[:, :, 0, 0]}


def raw(module):
    module.standardize, module.batch_size = False, 1
    return module


def of(root, **options):
    return raw(folder(str(root), 4, **options))


def test_class_folders_are_split_by_seed(root):
    module = of(root)
    assert module.class_names == ("cats", "dogs")
    assert (module.in_channels, module.image_size, module.num_classes) == (3, 4, 2)
    assert module.counts() == {
        "num_classes": 2,
        "train_images": 36,
        "val_images": 4,
        "test_images": 10,
    }
    parts = [module.train_dataloader(), module.val_dataloader(), module.test_dataloader()]
    assert len(set.union(*map(colours, parts))) == 50
    labels = torch.cat([y for _, y in module.test_dataloader()])
    assert labels.bincount().tolist() == [4, 6]


def test_the_test_part_is_not_the_trials_seeds(root):
    first, second, other = of(root), of(root), of(root, test_seed=1)
    second.seed = 5
    assert colours(first.test_dataloader()) == colours(second.test_dataloader())
    assert colours(first.val_dataloader()) != colours(second.val_dataloader())
    assert colours(first.test_dataloader()) != colours(other.test_dataloader())


def test_parts_that_are_there_are_used(tmp_path):
    for part, (cats, dogs) in {"train": (7, 8), "val": (2, 3), "test": (4, 1)}.items():
        write(tmp_path / "mine" / part, cats=cats, dogs=dogs)
    module = of(tmp_path / "mine")
    assert module.counts() == {
        "num_classes": 2,
        "train_images": 15,
        "val_images": 5,
        "test_images": 5,
    }
    with pytest.raises(ValueError, match=r"val_fraction must be null where .* got 0\.1"):
        of(tmp_path / "mine", val_fraction=0.1)


def test_a_train_part_alone_gives_the_test_its_share(tmp_path):
    write(tmp_path / "mine" / "train", cats=10, dogs=10)
    assert of(tmp_path / "mine", val_fraction=0.25).counts() == {
        "num_classes": 2,
        "train_images": 12,
        "val_images": 4,
        "test_images": 4,
    }


def test_images_in_further_folders_count_and_hidden_and_loose_files_do_not(root):
    (root / "cats" / "more").mkdir()
    shutil.copy(root / "cats" / "0.png", root / "cats" / "more" / "0.png")
    for stray in (root / "README.txt", root / "cats" / ".DS_Store"):
        stray.write_text("no image")
    (root / ".cache").mkdir()
    counts = of(root).counts()
    assert counts["train_images"] + counts["val_images"] + counts["test_images"] == 51


def test_content_counts_and_not_where_it_lies(root, tmp_path):
    there = of(root).content_hash
    shutil.copytree(root, tmp_path / "copy")
    assert of(tmp_path / "copy").content_hash == there
    Image.new("RGB", (6, 8)).save(tmp_path / "copy" / "cats" / "3.png")
    assert of(tmp_path / "copy").content_hash != there


def test_a_file_that_changed_is_read_anew_and_no_other_time(root, monkeypatch):
    of(root).prepare_data()
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("read again"))
    first = of(root).content_hash
    monkeypatch.undo()
    monkeypatch.setenv("ABLAB_HOME", str(root.parent / "lab"))
    Image.new("RGB", (6, 8)).save(root / "dogs" / "29.png")
    assert of(root).content_hash != first


def test_unreadable_files_are_all_named(root):
    for name in ("cats/0.png", "dogs/4.png"):
        (root / name).write_bytes(b"broken")
    with pytest.raises(DataError, match="2 of 50 that are not") as caught:
        of(root).prepare_data()
    assert str(root / "cats/0.png") in str(caught.value)
    assert str(root / "dogs/4.png") in str(caught.value)


def _without(root, tmp_path):
    shutil.rmtree(root)


def _one_class(root, tmp_path):
    shutil.rmtree(root / "cats")


def _empty_class(root, tmp_path):
    (root / "owls").mkdir()


def _stranger(root, tmp_path):
    (root / "train").mkdir()


def _unknown_class(root, tmp_path):
    shutil.move(root, tmp_path / "classes")
    shutil.copytree(tmp_path / "classes", root / "train")
    write(root / "test", owls=3, dogs=3)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_without, "path must be a folder of class folders or an .npz file, got "),
        (_one_class, "path must hold a folder for each of two or more classes, got dogs in "),
        (_empty_class, "path must hold images of each class, got no owls in "),
        (_stranger, "path must hold val and test at the most beside train, got cats, dogs in "),
        (_unknown_class, "path must hold the classes of train in test, got owls besides in "),
    ],
)
def test_another_folder_is_refused(root, tmp_path, spoil, message):
    spoil(root, tmp_path)
    with pytest.raises(ValueError, match=message):
        of(root)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": 0}, "image_size must be >= 1, got 0"),
        ({"image_size": None}, "image_size must be given for class folders, got None"),
        ({"in_channels": 2}, "in_channels must be 1 or 3, got 2"),
        ({"resize": "fill"}, "resize must be one of crop, stretch, got fill"),
        ({"test_fraction": 1.0}, r"test_fraction must be between 0 and 1, .* got 1\.0"),
        ({"path": None}, "path must be a folder of class folders or an .npz file, got None"),
    ],
)
def test_a_value_out_of_range_is_refused(root, options, message):
    with pytest.raises(ValueError, match=message):
        folder(**{"path": str(root), "image_size": 4} | options)


def test_a_module_survives_pickling(root):
    module = pickle.loads(pickle.dumps(of(root)))
    assert colours(module.test_dataloader()) == colours(of(root).test_dataloader())


def arrays(**changes):
    found = {}
    for part, n in (("train", 30), ("test", 6)):
        found[f"x_{part}"] = RNG.integers(0, 256, (n, 5, 5), np.uint8)
        found[f"y_{part}"] = np.arange(n) % 3
    return {k: v for k, v in (found | changes).items() if v is not None}


def npz(tmp_path, **changes):
    np.savez(tmp_path / "mine.npz", **arrays(**changes))
    return tmp_path / "mine.npz"


def test_a_file_is_taken_as_it_is(tmp_path):
    x = RNG.integers(0, 256, (6, 5, 5), np.uint8)
    module = raw(folder(str(npz(tmp_path, x_test=x, y_test=[2, 1, 0, 0, 1, 2]))))
    assert (module.in_channels, module.image_size, module.class_names) == (1, 5, ("0", "1", "2"))
    ((images, labels),) = module.test_dataloader()
    torch.testing.assert_close(images[:, 0], torch.from_numpy(x) / 255)
    assert labels.tolist() == [2, 1, 0, 0, 1, 2]


def test_a_file_may_have_validation_images_and_names_and_no_test(tmp_path):
    val = {"x_val": np.zeros((4, 5, 5, 1), np.uint8), "y_val": np.array([0, 1, 2, 2])}
    none = {"x_test": None, "y_test": None}
    module = folder(str(npz(tmp_path, **val, **none, class_names=["a", "b", "c"])))
    assert module.class_names == ("a", "b", "c")
    assert module.counts() == {
        "num_classes": 3,
        "train_images": 24,
        "val_images": 4,
        "test_images": 6,
    }


def test_a_files_images_can_be_made_to_fit(tmp_path):
    x = RNG.integers(0, 256, (30, 6, 6, 3), np.uint8)
    path = npz(tmp_path, x_train=x, x_test=np.full((6, 6, 6, 3), 80, np.uint8))
    module = raw(folder(str(path), 4, 1))
    ((images, _),) = module.test_dataloader()
    torch.testing.assert_close(images, torch.full((6, 1, 4, 4), 80 / 255))


class Dangerous:
    def __reduce__(self):
        return os.mkdir, ("danger",)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_train": None}, "path must hold x_train and y_train, .* got x_test, x_train, y_test"),
        ({"y_test": None}, "path must hold x_train and y_train, .* got x_test, x_train, y_train"),
        ({"z": np.zeros(3)}, "path must hold x_train and y_train, .* got .*, z"),
        (
            {"x_train": np.zeros((30, 5, 5))},
            "path must hold uint8 images .* in x_train, got float64",
        ),
        (
            {"x_train": np.zeros((30, 3, 5, 5), np.uint8)},
            r"path must hold uint8 .* \(30, 3, 5, 5\)",
        ),
        (
            {"y_train": np.zeros(29, int)},
            r"path must hold a label for each of 30 images in y_train, got int64 \(29,\)",
        ),
        ({"y_train": np.arange(30) / 2}, "path must hold whole numbers in y_train, got others"),
        (
            {"y_train": np.zeros(30, int)},
            "path must hold images of each of two or more classes in y_train, .* got 0 to 0",
        ),
        ({"y_test": np.arange(6) - 1}, "path must hold in y_test labels from 0 to 2, .* -1 to 4"),
        ({"class_names": ["a", "b"]}, "path must hold in y_train labels from 0 to 1, .* 0 to 2"),
        (
            {"x_train": np.zeros((30, 5, 6), np.uint8), "x_test": np.zeros((6, 5, 6), np.uint8)},
            "image_size must be given .* got 5x6",
        ),
        (
            {"y_train": np.array([Dangerous()] * 30)},
            r"path must hold integers, .* in y_train, got Python objects .*mine\.npz",
        ),
    ],
)
def test_another_file_is_refused(tmp_path, monkeypatch, changes, message):
    monkeypatch.chdir(tmp_path)
    path = npz(tmp_path, **changes)
    with pytest.raises(ValueError, match=message):
        folder(str(path))
    assert not (tmp_path / "danger").exists()


def test_a_broken_file_is_refused(tmp_path):
    path = npz(tmp_path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ValueError, match=r"path must be a whole \.npz file, got "):
        folder(str(path))
