"""Which folders are parts or classes, and which layouts are refused."""

import pytest

from ablab.data.errors import DataError
from ablab.data.folder_layout import classes_by_part, part_named, unread_note
from ablab.data.tree import Scan


def tree(root, *paths):
    """Write empty files; a path that ends in a slash is a folder."""
    for path in paths:
        full = root / path
        (full if path.endswith("/") else full.parent).mkdir(parents=True, exist_ok=True)
        if not path.endswith("/"):
            full.touch()
    return root


def read(root):
    """Return the number of files of each class of each part, the notes and the unread entries."""
    scan, notes = Scan(root), []
    parts = classes_by_part(scan, notes)
    found = {
        part: {name: folder.total for name, folder in classes.items()}
        for part, classes in parts.items()
    }
    return found, notes, [str(p.relative_to(root)) for p in scan.unread]


@pytest.mark.parametrize(
    ("names", "part"),
    [
        (
            "train Train TRAIN training training_set train-set trainset train_data Train2017",
            "train",
        ),
        ("train_images seg_train images_train", "train"),
        ("val Val VALID valid validation dev validation_set val2017 valset seg_val", "val"),
        ("test TEST testing test_set testset Test Set test1 seg_test test-images", "test"),
        ("cats trainer trains contest testament valve devil tests_of_x value seg", None),
    ],
)
def test_names_of_parts(names, part):
    names = names.replace("Test Set", "Test\u00a0Set").split(" ")
    assert {name: part_named(name) for name in names} == dict.fromkeys(names, part)


ALL = {"train": {"a": 1, "b": 1}, "val": {"a": 1, "b": 1}, "test": {"a": 1, "b": 1}}


@pytest.mark.parametrize(
    ("train", "val", "test"),
    [
        ("train", "val", "test"),
        ("Training", "Validation", "Testing"),
        ("training_set", "dev", "test_set"),
        ("TRAIN", "valid", "Test"),
        ("seg_train/seg_train", "seg_val/seg_val", "seg_test/seg_test"),
        ("archive/data/train", "archive/data/val", "archive/data/test"),
        ("train/images", "val/images", "test/images"),
    ],
)
def test_parts_are_found_under_other_names_and_in_nested_folders(tmp_path, train, val, test):
    files = [f"{part}/{k}/1.png" for part in (train, val, test) for k in "ab"]
    found, notes, unread = read(tree(tmp_path, *files))
    assert found == ALL
    assert unread == []
    assert bool(notes) == (train != "train")


def test_a_note_lists_renamed_parts(tmp_path):
    files = [f"{part}/{k}/1.png" for part in ("Training", "Testing") for k in "ab"]
    _, notes, _ = read(tree(tmp_path, *files))
    assert notes == [f"In {tmp_path} Training is read as train, Testing is read as test."]


def test_classes_without_parts_are_all_for_training(tmp_path):
    assert read(tree(tmp_path, "a/1.png", "b/1.png"))[:2] == ({"train": {"a": 1, "b": 1}}, [])
    wrapped = tree(tmp_path / "zip", "inner/cats/1.png", "inner/dogs/1.png")
    assert read(wrapped) == (
        {"train": {"cats": 1, "dogs": 1}},
        [f"The images are read from {wrapped}/inner."],
        [],
    )


def test_train_is_a_class_where_it_cannot_be_a_part(tmp_path):
    vehicles = tree(tmp_path / "x", "bus/1.png", "train/1.png", "tram/1.png")
    assert read(vehicles)[0] == {"train": {"bus": 1, "train": 1, "tram": 1}}
    inside = tree(tmp_path / "y", "train/bus/1.png", "train/train/1.png", "test/bus/1.png")
    assert read(inside)[0] == {"train": {"bus": 1, "train": 1}, "test": {"bus": 1}}


def test_subfolders_of_class_folders_are_read_and_noted(tmp_path):
    found, notes, _ = read(tree(tmp_path, "a/1.png", "a/x/2.png", "a/x/y/3.png", "b/1.png"))
    assert found == {"train": {"a": 3, "b": 1}}
    assert notes == [
        f"2 images in {tmp_path} are in subfolders of class folders; their class is the outer "
        "folder."
    ]
    packed = read(tree(tmp_path / "z", "cats/cats/1.png", "dogs/dogs/1.png"))
    assert packed[0] == {"train": {"cats": 1, "dogs": 1}}


def test_entries_beside_classes_or_parts_are_unread(tmp_path):
    files = ("a/1.png", "b/1.png", "loose.png", "model.pt", "README.txt", ".secret.png")
    assert sorted(read(tree(tmp_path / "x", *files))[2]) == sorted(files[2:])
    parts = ("train/a/1.png", "train/b/1.png", "train/loose.png", "x.zip", "labels/", "docs/a.txt")
    found = read(tree(tmp_path / "y", *parts))
    assert sorted(found[2]) == ["docs", "docs/a.txt", "labels", "train/loose.png", "x.zip"]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        # The same subfolders in each: unknown names of parts, or classes?
        (
            ["p1/a/1.png", "p1/b/1.png", "p2/a/1.png", "p2/b/1.png"],
            "must hold one level .* got p1, p2 in .*, each with a, b: if the outer ones are parts",
        ),
        (
            ["animals/cat/1.png", "animals/dog/1.png", "cars/bus/1.png", "cars/van/1.png"],
            "must hold one level of class folders, got cat, dog within animals, cars",
        ),
        (
            ["cats/train/1.png", "cats/test/1.png", "dogs/train/1.png", "dogs/test/1.png"],
            "must hold the classes in each part, got test, train within cats, dogs",
        ),
        # A part among classes, or no training part.
        (["cats/1.png", "dogs/1.png", "test/1.png"], "must hold class folders, .* got test in"),
        (["train/1.png", "test/1.png"], "must hold class folders, or parts .* got test, train in"),
        (["val/a/1.png", "val/b/1.png", "test/a/1.png"], "must hold class folders, .* test, val"),
        (["test/a/1.png", "test/b/1.png"], "must hold class folders, or parts .* got test in"),
        # Two folders for one part, or an unknown folder.
        (
            ["train/a/1.png", "train/b/1.png", "training/a/1.png"],
            "must hold one folder for train, got train, training in",
        ),
        (
            ["train/a/1.png", "train/b/1.png", "seg_pred/1.png"],
            "must hold val and test at the most beside train, got seg_pred in",
        ),
        # Parts without classes.
        (
            ["train/a/1.png", "train/b/1.png", "test/1.png", "test/2.png"],
            "must hold a folder for each class in test, got 2 files without in .*/test; images",
        ),
        (["train/a/1.png", "train/b/1.png", "val/"], "must hold images in val, got none in"),
        (["train/", "test/a/1.png"], "must hold images in train, got none in"),
        (["train/a/1.png", "train/b/1.png", "test/b/"], "must hold images in test, got none in"),
        (["a/1.png", "b/1.png", "c/notes.txt"], "must hold images of each class, got no c in"),
        (["a/1.png"], "must hold a folder for each of two or more classes, got a in"),
        (["1.png", "2.png"], "must hold a folder for each class in train, got 2 files without"),
        ([], "must hold images in train, got none in"),
    ],
)
def test_ambiguous_or_invalid_layouts_are_refused(tmp_path, paths, message):
    with pytest.raises(DataError, match=f"^path {message}"):
        read(tree(tmp_path, *paths))


def test_a_note_counts_and_lists_unread_entries(tmp_path):
    paths = [tmp_path / f"{n}.txt" for n in range(7)]
    assert unread_note(tmp_path, []) == ""
    assert unread_note(tmp_path, paths[:1]) == f"1 entry of {tmp_path} not read: 0.txt."
    assert unread_note(tmp_path, paths) == (
        f"7 entries of {tmp_path} not read: 0.txt, 1.txt, 2.txt, 3.txt, 4.txt, and 2 more."
    )
