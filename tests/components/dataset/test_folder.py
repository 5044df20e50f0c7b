"""A user's images: the accepted layouts of folders and files, and how they are read."""

import io
import os
import pickle
import shutil
import zipfile

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
    """Write images of each class, each of one random color."""
    for name, count in counts.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            color = RNG.integers(0, 256, 3, np.uint8)
            Image.fromarray(np.broadcast_to(color, (6, 8, 3)).copy()).save(
                root / name / f"{number}.png"
            )
    return root


@pytest.fixture
def root(tmp_path):
    return write(tmp_path / "mine", cats=20, dogs=30)


def colors(batches):
    """Return the colors of the images: each image has one."""
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
    assert len(set.union(*map(colors, parts))) == 50
    labels = torch.cat([y for _, y in module.test_dataloader()])
    assert labels.bincount().tolist() == [4, 6]


def test_the_test_part_does_not_depend_on_the_trials_seed(root):
    first, second, other = of(root), of(root), of(root, test_seed=1)
    second.seed = 5
    assert colors(first.test_dataloader()) == colors(second.test_dataloader())
    assert colors(first.val_dataloader()) != colors(second.val_dataloader())
    assert colors(first.test_dataloader()) != colors(other.test_dataloader())


def test_existing_parts_are_used(tmp_path):
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


def test_the_test_part_is_drawn_from_a_train_part_alone(tmp_path):
    write(tmp_path / "mine" / "train", cats=10, dogs=10)
    assert of(tmp_path / "mine", val_fraction=0.25).counts() == {
        "num_classes": 2,
        "train_images": 12,
        "val_images": 4,
        "test_images": 4,
    }


def test_images_in_subfolders_are_read_and_hidden_files_are_not(root):
    (root / "cats" / "more").mkdir()
    shutil.copy(root / "cats" / "0.png", root / "cats" / "more" / "0.png")
    for ignored in (root / "README.txt", root / "cats" / ".DS_Store"):
        ignored.write_text("no image")
    (root / ".cache").mkdir()
    counts = of(root).counts()
    assert counts["train_images"] + counts["val_images"] + counts["test_images"] == 51


def test_content_hash_does_not_depend_on_the_path(root, tmp_path):
    original = of(root).content_hash
    shutil.copytree(root, tmp_path / "copy")
    assert of(tmp_path / "copy").content_hash == original
    Image.new("RGB", (6, 8)).save(tmp_path / "copy" / "cats" / "3.png")
    assert of(tmp_path / "copy").content_hash != original


def test_files_are_read_again_only_after_a_change(root, monkeypatch):
    of(root).prepare_data()
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("read again"))
    first = of(root).content_hash
    monkeypatch.undo()
    monkeypatch.setenv("ABLAB_HOME", str(root.parent / "lab"))
    Image.new("RGB", (6, 8)).save(root / "dogs" / "29.png")
    assert of(root).content_hash != first


def test_all_unreadable_files_are_reported(root):
    for name in ("cats/0.png", "dogs/4.png"):
        (root / name).write_bytes(b"broken")
    with pytest.raises(DataError, match="2 of 50 that are not") as caught:
        of(root).prepare_data()
    assert str(root / "cats/0.png") in str(caught.value)
    assert str(root / "dogs/4.png") in str(caught.value)


def test_notes_report_renamed_parts_missing_classes_and_unread_files(tmp_path):
    write(tmp_path / "mine" / "Training", cats=8, dogs=8, owls=8)
    write(tmp_path / "mine" / "Testing", cats=2, dogs=2)
    (tmp_path / "mine" / "Training" / "cats" / "boxes.xml").touch()
    (tmp_path / "mine" / "LICENSE").touch()
    module = of(tmp_path / "mine")
    assert module.counts()["test_images"] == 4
    assert module.notes == (
        f"In {tmp_path}/mine Training is read as train, Testing is read as test.",
        "The test part has no image of owls.",
        f"2 entries of {tmp_path}/mine not read: LICENSE, Training/cats/boxes.xml.",
    )
    assert module.unread == (
        f"{tmp_path}/mine/LICENSE",
        f"{tmp_path}/mine/Training/cats/boxes.xml",
    )


def test_linked_images_are_read_and_repeated_ones_counted(root, tmp_path):
    shutil.move(root / "cats", tmp_path / "far")
    (root / "cats").symlink_to(tmp_path / "far")
    (root / "dogs" / "again.png").symlink_to(root / "dogs" / "0.png")
    module = of(root)
    assert sum(list(module.counts().values())[1:]) == 51
    assert module.notes == ("1 images are links to others of their class.",)


@pytest.mark.parametrize("link", [os.link, os.symlink])
@pytest.mark.parametrize(
    ("first", "second"),
    [("train/cats/0.png", "test/cats/9.png"), ("train/cats/0.png", "train/dogs/9.png")],
)
def test_one_file_in_two_parts_or_classes_is_refused(tmp_path, link, first, second):
    for part in ("train", "test"):
        write(tmp_path / part, cats=5, dogs=5)
    link(tmp_path / first, tmp_path / second)
    with pytest.raises(ValueError, match="path must hold each file in one part and class, got"):
        of(tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (os.fsdecode(b"caf\xe9"), r"got 'caf\\udce9', which is not UTF-8: rename it"),
        ("a\nb", r"got 'a\\nb', which holds a control character: rename it"),
        ("CATS", "got 'CATS' and 'cats'"),
    ],
)
def test_an_unprintable_or_duplicate_class_name_is_refused(root, name, message):
    shutil.copytree(root / "dogs", root / name)
    with pytest.raises(ValueError, match=f"path must give .*{message}"):
        of(root)


def test_an_unprintable_path_is_refused(root):
    shutil.move(root, root.with_name(os.fsdecode(b"caf\xe9")))
    with pytest.raises(ValueError, match=r"path must be a name that can be written, .*caf\\udce9"):
        of(root.with_name(os.fsdecode(b"caf\xe9")))


def test_content_hash_depends_on_class_names(root, tmp_path):
    original = of(root).content_hash
    shutil.move(root / "cats", root / "catz")
    assert of(root).content_hash != original


def _without(root, tmp_path):
    shutil.rmtree(root)


def _one_class(root, tmp_path):
    shutil.rmtree(root / "cats")


def _empty_class(root, tmp_path):
    (root / "owls").mkdir()


def _unknown_folder(root, tmp_path):
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
        (
            _unknown_folder,
            "path must hold val and test at the most beside train, got cats, dogs in ",
        ),
        (_unknown_class, "path must hold the classes of train in test, got owls besides in "),
    ],
)
def test_an_invalid_folder_is_refused(root, tmp_path, spoil, message):
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


def test_a_module_can_be_pickled(root):
    module = pickle.loads(pickle.dumps(of(root)))
    assert colors(module.test_dataloader()) == colors(of(root).test_dataloader())


def arrays(**changes):
    found = {}
    for part, n in (("train", 30), ("test", 6)):
        found[f"x_{part}"] = RNG.integers(0, 256, (n, 5, 5), np.uint8)
        found[f"y_{part}"] = np.arange(n) % 3
    return {k: v for k, v in (found | changes).items() if v is not None}


def npz(tmp_path, **changes):
    np.savez(tmp_path / "mine.npz", **arrays(**changes))
    return tmp_path / "mine.npz"


def test_arrays_of_a_file_are_used_unchanged(tmp_path):
    x = RNG.integers(0, 256, (6, 5, 5), np.uint8)
    module = raw(folder(str(npz(tmp_path, x_test=x, y_test=[2, 1, 0, 0, 1, 2]))))
    assert (module.in_channels, module.image_size, module.class_names) == (1, 5, ("0", "1", "2"))
    ((images, labels),) = module.test_dataloader()
    torch.testing.assert_close(images[:, 0], torch.from_numpy(x) / 255)
    assert labels.tolist() == [2, 1, 0, 0, 1, 2]


def test_a_file_may_have_a_validation_part_and_class_names_but_no_test_part(tmp_path):
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


def test_a_files_images_can_be_resized_and_converted(tmp_path):
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
def test_an_invalid_file_is_refused(tmp_path, monkeypatch, changes, message):
    monkeypatch.chdir(tmp_path)
    path = npz(tmp_path, **changes)
    with pytest.raises(ValueError, match=message):
        folder(str(path))
    assert not (tmp_path / "danger").exists()


def test_a_damaged_file_is_refused(tmp_path):
    path = npz(tmp_path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ValueError, match=r"path must be a whole \.npz file, got "):
        folder(str(path))


EVERY = np.arange(30) % 3


def rows(labels):
    return np.eye(3)[labels]


@pytest.mark.parametrize(
    "labels",
    [
        EVERY.astype(np.uint8),
        EVERY.astype(">i8"),
        EVERY.astype(float),
        EVERY[:, None],
        rows(EVERY),
        rows(EVERY).astype(bool),
        rows(EVERY).astype(np.int32),
    ],
)
def test_labels_of_all_accepted_types_are_equivalent(tmp_path, labels):
    module = raw(folder(str(npz(tmp_path, y_train=labels))))
    assert module.class_names == ("0", "1", "2")
    plain = raw(folder(str(npz(tmp_path, y_train=EVERY))))
    actual, expected = (torch.cat([y for _, y in m.each_once()]) for m in (module, plain))
    assert actual.dtype == torch.int64
    assert torch.equal(actual.sort().values, expected.sort().values)


@pytest.mark.parametrize("dtype", ["U", "S"])
def test_text_labels_are_ordered_alphabetically_or_by_class_names(tmp_path, dtype):
    kinds = np.array(["dog", "cat", "owl"]).astype(dtype)
    path = npz(tmp_path, y_train=kinds[EVERY], y_test=kinds[np.arange(6) % 3])
    module = raw(folder(str(path)))
    assert module.class_names == ("cat", "dog", "owl")
    ((_, labels),) = module.test_dataloader()
    assert labels.tolist() == [1, 0, 2, 1, 0, 2]
    path = npz(tmp_path, y_train=kinds[EVERY], y_test=kinds[np.arange(6) % 3], class_names=kinds)
    module = raw(folder(str(path)))
    assert module.class_names == ("dog", "cat", "owl")
    ((_, labels),) = module.test_dataloader()
    assert labels.tolist() == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize("dtype", ["U", "S"])
def test_class_names_may_be_text_or_bytes(tmp_path, dtype):
    names = np.array(["cat", "dog", "cow"]).astype(dtype)
    assert folder(str(npz(tmp_path, class_names=names))).class_names == ("cat", "dog", "cow")


def test_medmnists_array_names_are_accepted(tmp_path):
    given = {f"{p}_images": RNG.integers(0, 256, (12, 5, 5), np.uint8) for p in ("train", "val")}
    given |= {f"{p}_labels": np.arange(12)[:, None] % 3 for p in ("train", "val")}
    none = dict.fromkeys(("x_train", "y_train", "x_test", "y_test"))
    module = folder(str(npz(tmp_path, **given, **none)))
    assert list(module.counts().values()) == [3, 9, 12, 3]


def test_a_note_reports_missing_classes_of_a_part(tmp_path):
    module = folder(str(npz(tmp_path, y_test=np.zeros(6, int))))
    assert module.notes == ("The test part has no image of 2 classes.",)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"x_train": RNG.random((30, 5, 5))},
            r"x_train, got float64 .* 0.* to 0\.9.*: numpy\.round\(x_train \* 255\)\.astype",
        ),
        (
            {"x_train": np.full((30, 5, 5), 200.0)},
            r"got float64 .*, values 200 to 200: numpy\.round\(x_train\)\.astype\(numpy\.uint8\)",
        ),
        ({"x_train": np.zeros((30, 5, 5), int)}, r"got int64 .*: numpy\.round\(x_train\)\.astype"),
        ({"x_train": np.full((30, 5, 5), 9999, np.uint16)}, "got uint16 .* 9999 to 9999: scale "),
        (
            {"x_train": -np.ones((30, 5, 5))},
            "got float64 .* values -1 to -1: scale them to 0 … 255",
        ),
        (
            {"x_train": np.zeros((30, 5, 5), bool)},
            r"got bool .*x_train\.astype\(numpy\.uint8\) \* 255",
        ),
        (
            {"x_train": np.zeros((30, 3, 5, 5), np.uint8)},
            r"channels are second: numpy\.moveaxis\(x, 1, -1\) puts them last",
        ),
        ({"x_train": np.zeros((30, 3, 5, 3), np.uint8)}, "channels may be second or last"),
        ({"x_train": np.zeros((30, 1, 5, 1), np.uint8)}, "channels may be second or last"),
        ({"x_train": np.zeros((30, 5, 5, 4), np.uint8)}, "which has 4 channels"),
        ({"x_train": np.zeros((30, 25), np.uint8)}, r"got uint8 \(30, 25\), which are not images"),
        ({"x_train": np.zeros((30, 0, 0), np.uint8)}, "which are not images"),
        (
            {"x_test": np.zeros((6, 4, 4), np.uint8)},
            r"one shape .* \(5, 5, 1\) in x_train .* x_test",
        ),
        (
            {"x_train": np.zeros((30, 5, 5), object)},
            r"images of one size .* in x_train, got Python",
        ),
        (
            {"class_names": np.array(["a", "b", "c"], object)},
            "names as text, .*dtype=str.* in class_n",
        ),
        ({"class_names": np.arange(3)}, r"names as text \(K,\) in class_names, got int64 \(3,\)"),
        (
            {"class_names": np.array([b"a", b"\xe9", b"c"])},
            r"text or UTF-8 in class_names, got b'\\xe9",
        ),
        ({"class_names": ["a", "A", "c"]}, "dataset.path must give classes names that differ"),
        (
            {"class_names": ["a", "b\n", "c"]},
            "dataset.path must give each class a name that can be",
        ),
        ({"class_names": ["a", "b", "c", "d"]}, "got 0 to 2, none of class 3 in"),
        ({"y_train": EVERY + 1}, "got 1 to 3, none of class 0: subtract 1 where they begin at 1"),
        ({"y_train": EVERY * 2}, "got 0 to 4, none of class 1, 3 in"),
        (
            {"y_train": EVERY * 10**9},
            "path must hold in y_train labels from 0 to 30, .* 2000000000",
        ),
        ({"y_test": np.arange(6)}, "path must hold in y_test labels from 0 to 2, .* got 0 to 5 in"),
        ({"y_train": rows(EVERY) + rows(EVERY[::-1])}, "one class an image in y_train"),
        ({"y_train": np.full((30, 3), 1 / 3)}, "path must hold whole numbers in y_train"),
        ({"y_train": np.full(30, np.nan)}, "path must hold whole numbers in y_train"),
        (
            {"y_train": np.zeros((30, 2, 2), int)},
            r"\(N,\) or \(N, 1\), in y_train, got \(30, 2, 2\)",
        ),
        (
            {"y_train": np.array(["a", "b", "c"])[EVERY]},
            "in y_test the classes 'a', 'b', 'c', got '0'",
        ),
        ({"y_train": np.zeros(30, complex)}, "numbers or texts in y_train, got complex128"),
    ],
)
def test_ambiguous_or_invalid_arrays_are_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message) as caught:
        folder(str(npz(tmp_path, **changes)))
    assert "pickle" not in str(caught.value)
    if "class" not in message:
        assert str(tmp_path / "mine.npz") in str(caught.value)


def _npy() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros((3, 5, 5), np.uint8))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "which holds nothing: it is empty"),
        (b"\n <!DOCTYPE html><html>404</html>", "which holds a web page"),
        (b"<html>404</html>", "which holds a web page"),
        (_npy(), r"which holds a single array \(\.npy\)"),
        (pickle.dumps([1]), "which holds a pickle"),
        (b"\x89HDF\r\n", "which holds an HDF5 file"),
        (b"\x1f\x8b\x08", "which holds a gzip file"),
        (b"version https://git-lfs.github.com/spec/v1", "which holds a pointer of Git LFS"),
        (b"anything", "which holds something else"),
        (b"PK\x03\x04 but no more", "which is cut short or damaged"),
    ],
)
def test_another_file_is_named_for_what_it_is(tmp_path, content, message):
    (tmp_path / "mine.npz").write_bytes(content)
    with pytest.raises(ValueError, match=f"^path must be a.* .npz file, .*mine.npz, {message}"):
        folder(str(tmp_path / "mine.npz"))


def test_an_array_that_claims_more_than_it_holds_takes_no_memory(tmp_path):
    path = npz(tmp_path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    said, more = b"(30, 5, 5)", b"(999999,5)"  # as many characters
    assert said in members["x_train.npy"]
    members["x_train.npy"] = members["x_train.npy"].replace(said, more)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match="cut short or damaged: x_train is shorter than it says"):
        folder(str(path))


def test_a_byte_that_changed_is_noticed(tmp_path):
    path = npz(tmp_path)
    raw_bytes = bytearray(path.read_bytes())
    place = raw_bytes.index(b"NUMPY") + 200  # among the values of the first array
    raw_bytes[place] ^= 1
    path.write_bytes(raw_bytes)
    with pytest.raises(ValueError, match=r"cut short or damaged: .*CRC"):
        folder(str(path)).prepare_data()
