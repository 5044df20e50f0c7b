import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from ablab import folders
from ablab.data import cache
from ablab.data.errors import DataError


def entry(image_set):
    return folders.cache_folder() / image_set.name / image_set.fingerprint


def unreadable():
    raise AssertionError("the source must not be read")


def make(image_set):
    """Fill the cache, and return the set with an unreadable source."""
    cache.load(image_set)
    return replace(image_set, read=unreadable)


def test_cached_arrays_equal_the_source(image_set):
    cached = cache.load(image_set)
    for name, array in image_set.read().items():
        np.testing.assert_array_equal(cached.arrays[name], array)


def test_arrays_are_memory_mapped_and_writes_stay_private(image_set):
    array = cache.load(image_set).arrays["train_images"]
    assert isinstance(array, np.memmap)
    array[:] = 0
    assert cache.load(image_set).arrays["train_images"].any()


def test_the_source_is_read_once(image_set):
    cache.load(make(image_set))


def test_another_fingerprint_is_another_entry(image_set):
    with pytest.raises(AssertionError, match="must not be read"):
        cache.load(replace(make(image_set), fingerprint="4567"))


def test_the_histogram_is_that_of_the_training_part(image_set):
    found, images = cache.load(image_set).histogram, image_set.read()["train_images"]
    for channel, counts in enumerate(found):
        assert counts.tolist() == [(images[..., channel] == v).sum() for v in range(256)]


def test_an_entry_without_a_histogram_is_recreated(image_set):
    make(image_set)
    meta = entry(image_set) / "meta.json"
    content = json.loads(meta.read_text())
    del content["histogram"]
    meta.write_text(json.dumps(content | {"mean": [0.5], "std": [0.1]}))
    assert cache.load(image_set).histogram.sum() == 103 * 8 * 8 * 3


def test_hashes_depend_on_values_and_shape(image_set):
    arrays = image_set.read()
    changed = {**arrays, "test_labels": arrays["test_labels"] ^ 1}
    folded = {**arrays, "test_images": arrays["test_images"].reshape(23, 4, 16, 3)}
    hashes = cache.load(image_set).hashes
    for number, (name, other) in enumerate((("test_labels", changed), ("test_images", folded))):
        again = replace(image_set, fingerprint=f"{number}", read=lambda other=other: other)
        others = cache.load(again).hashes
        assert {key for key in hashes if hashes[key] != others[key]} == {name}


@pytest.mark.parametrize("array", ["train_images", "test_labels"])
def test_a_changed_file_raises_an_error_that_says_what_to_do(image_set, array):
    make(image_set)
    path = entry(image_set) / f"{array}.npy"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    os.utime(path, ns=(0, 0))
    with pytest.raises(DataError, match=r"delete .*, and it is recreated"):
        cache.load(image_set)


def test_a_copied_entry_is_checked_and_accepted(image_set):
    bare = make(image_set)
    path = entry(image_set) / "train_images.npy"
    recorded = path.stat().st_mtime_ns
    os.utime(path, ns=(0, 0))
    cache.load(bare)
    assert path.stat().st_mtime_ns == recorded


@pytest.mark.parametrize(
    "damage",
    [
        shutil.rmtree,
        lambda folder: (folder / "meta.json").unlink(),
        lambda folder: (folder / "meta.json").write_text('{"arrays": {"train_im'),
        lambda folder: (folder / "meta.json").write_text("[]"),
        lambda folder: (folder / "test_labels.npy").unlink(),
        lambda folder: os.truncate(folder / "train_images.npy", 200),
    ],
)
def test_an_incomplete_entry_is_recreated(image_set, damage):
    make(image_set)
    damage(entry(image_set))
    np.testing.assert_array_equal(
        cache.load(image_set).arrays["train_images"], image_set.read()["train_images"]
    )
    assert json.loads((entry(image_set) / "meta.json").read_text())["histogram"]


def test_leftovers_of_a_killed_process_are_removed(image_set):
    left = entry(image_set).with_name("0123.new")
    left.mkdir(parents=True)
    (left / "train_images.npy").write_bytes(b"half")
    cache.load(image_set)
    assert not left.exists()


def test_a_source_that_fails_leaves_no_entry(image_set):
    def fail():
        raise DataError("broken")

    with pytest.raises(DataError, match="broken"):
        cache.load(replace(image_set, read=fail))
    assert not entry(image_set).exists()
    cache.load(image_set)


COLD = """
import sys, time, numpy as np
from ablab.data import cache
from ablab.data.image_set import ImageSet
def read():
    print("read", flush=True)
    time.sleep(0.2)
    images = np.arange(256, dtype=np.uint8).repeat(3).reshape(4, 8, 8, 3)
    return {"train_images": images}
image_set = ImageSet("cold", 3, 8, ("a",), "f", read)
print("ready", flush=True)
sys.stdin.readline()
assert int(cache.load(image_set).arrays["train_images"].sum()) == 3 * 255 * 128
"""


def test_eight_processes_open_an_empty_cache_at_once():
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", COLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(8)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 8
    assert "".join(outputs) == "read\n"  # one process read the source for all
