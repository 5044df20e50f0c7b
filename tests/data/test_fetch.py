import gzip
import hashlib
import io
import shutil
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from ablab.data import fetch, idx, sources
from ablab.data.errors import DataError
from ablab.data.sources import Source, SourceFile
from ablab.errors import ResourceError

CONTENT = {"train": b"\0train" * 100, "test": b"\0test" * 100}
FILES = tuple(
    SourceFile(name, len(raw), hashlib.sha256(raw).hexdigest()) for name, raw in CONTENT.items()
)


def packed():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, raw in CONTENT.items():
            info = tarfile.TarInfo(f"set/{name}")
            info.size = len(raw)
            tar.addfile(info, io.BytesIO(raw))
    return stream.getvalue()


ARCHIVE = packed()


@pytest.fixture
def loose(server, monkeypatch):
    """A data set of gzipped files, served at two addresses."""
    mirrors = (server.address + "one/", server.address + "two/")
    for mirror, stamp in (("one", 1), ("two", 2)):
        for name, raw in CONTENT.items():
            server.files[f"{mirror}/{name}.gz"] = gzip.compress(raw, mtime=stamp)
    monkeypatch.setitem(sources.SOURCES, "fake", Source("fake", "set", FILES, mirrors))
    return server


@pytest.fixture
def archived(server, monkeypatch):
    """A data set in an archive."""
    server.files["set.tar.gz"] = ARCHIVE
    archive = SourceFile("set.tar.gz", len(ARCHIVE), hashlib.sha256(ARCHIVE).hexdigest())
    source = Source("fake", "set", FILES, (server.address,), archive)
    monkeypatch.setitem(sources.SOURCES, "fake", source)
    return server


def run(**options):
    return fetch.fetch("fake", progress=False, **options)


def verified():
    return {check.file: check.ok for check in fetch.verify("fake")}


def test_fetched_files_verify(loose, data_folder):
    assert verified() == {"train": False, "test": False}
    messages = run()
    assert messages == [f"{name}.gz fetched from {loose.address}one/{name}.gz" for name in CONTENT]
    assert verified() == {"train": True, "test": True}
    assert sorted(path.name for path in (data_folder / "set").iterdir()) == ["test.gz", "train.gz"]


def _identity(path: Path) -> tuple[int, int, int]:
    """Return what changes when a file is rewritten (reading changes only the access time)."""
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def test_valid_files_are_not_touched(loose, data_folder):
    run()
    loose.asked.clear()
    (data_folder / ".fake.lock").unlink()
    before = {path: _identity(path) for path in data_folder.rglob("*")}
    assert run() == [f"{name} is there already, as published" for name in CONTENT]
    assert {path: _identity(path) for path in data_folder.rglob("*")} == before
    assert loose.asked == []


def test_a_data_folder_that_is_not_writable_is_refused(loose, data_folder):
    data_folder.write_text("a file")
    with pytest.raises(ResourceError, match="must be a folder that can be written to"):
        run()


def test_a_wrong_file_is_renamed_and_reported(loose, data_folder):
    run()
    (data_folder / "set/train").write_bytes(b"mine")
    (data_folder / "set/test.gz").write_bytes(b"broken")
    messages = " | ".join(run())
    assert "kept as train.bad | train.gz is there already" in messages
    assert "kept as test.gz.bad | test.gz fetched from" in messages
    assert (data_folder / "set/train.bad").read_bytes() == b"mine"
    assert verified() == {"train": True, "test": True}


def test_gzip_headers_do_not_matter(loose):
    assert loose.files["one/train.gz"] != loose.files["two/train.gz"]
    loose.faults["one/train.gz"] = [404]
    assert f"{loose.address}two/train.gz" in run()[0]


def test_the_next_mirror_is_used_after_a_corrupt_one(loose):
    loose.files["one/train.gz"] = gzip.compress(b"\0" * 600)
    loose.files["one/test.gz"] = b"<html>Please log in</html>"
    messages = run()
    assert all("/two/" in line for line in messages)
    assert verified() == {"train": True, "test": True}


def test_other_mirrors_can_be_given(loose):
    messages = run(mirrors=[f"{loose.address}two/"])
    assert all("/two/" in line for line in messages)


def test_without_a_valid_mirror_nothing_is_left(loose, data_folder):
    for mirror in ("one", "two"):
        loose.files[f"{mirror}/train.gz"] = gzip.compress(b"\0" * 600)
    with pytest.raises(DataError, match=r"train\.gz must come from one of its addresses"):
        run()
    assert list((data_folder / "set").iterdir()) == []


def test_files_are_unpacked_from_an_archive_that_is_then_removed(archived, data_folder):
    assert run() == [f"{name} unpacked from {archived.address}set.tar.gz" for name in CONTENT]
    assert verified() == {"train": True, "test": True}
    assert sorted(path.name for path in data_folder.iterdir()) == [".fake.lock", "set"]


def test_only_missing_files_are_unpacked(archived, data_folder):
    (data_folder / "set").mkdir(parents=True)
    (data_folder / "set/train").write_bytes(CONTENT["train"])
    before = (data_folder / "set/train").stat()
    assert run()[0] == "train is there already, as published"
    after = (data_folder / "set/train").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert verified() == {"train": True, "test": True}


def test_an_existing_archive_is_used(archived, data_folder):
    data_folder.mkdir()
    (data_folder / "set.tar.gz").write_bytes(ARCHIVE)
    run()
    assert archived.asked == []
    assert (data_folder / "set.tar.gz").exists()
    assert verified() == {"train": True, "test": True}


def test_a_wrong_archive_is_renamed_unopened(archived, data_folder):
    data_folder.mkdir()
    (data_folder / "set.tar.gz").write_bytes(ARCHIVE + b"\0")
    messages = run()
    assert messages[0].endswith("kept as set.tar.gz.bad")
    assert verified() == {"train": True, "test": True}


def test_a_wrong_archive_on_the_mirror_is_never_opened(archived, data_folder, monkeypatch):
    monkeypatch.setattr(tarfile, "open", lambda *_: pytest.fail("opened"))
    archived.faults["set.tar.gz"] = ["corrupt"]
    with pytest.raises(DataError, match="must have SHA-256"):
        run()


def test_too_little_disk_space_is_reported_before_any_request(archived, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(ResourceError, match="free disk space"):
        run()
    assert archived.asked == []


def test_digits_need_no_download():
    assert "nothing to fetch" in fetch.fetch("digits")[0]
    assert all(check.ok for check in fetch.verify("digits"))


def test_an_unknown_data_set_is_refused_with_the_choices():
    message = "must be one of digits, mnist, fashion_mnist, cifar10, cifar100, got mnits"
    for function in (fetch.fetch, fetch.verify):
        with pytest.raises(ValueError, match=message):
            function("mnits")


def test_verify_reports_what_is_wrong_with_a_file(loose, data_folder):
    run()
    (data_folder / "set/test.gz").write_bytes(loose.files["one/test.gz"][:-20])
    good, bad = fetch.verify("fake")
    assert (good.ok, bad.ok) == (True, False)
    assert "test.gz must be a whole, readable file" in bad.detail


@pytest.mark.parametrize("name", fetch.DATASETS)
def test_real_files_verify(real_data, name):
    if not (real_data / sources.SOURCES[name].folder).is_dir():
        pytest.skip(f"{real_data} holds no {name}")
    assert all(check.ok for check in fetch.verify(name))


def test_real_mnist_fetched_from_a_mirror_is_read(real_data, server, data_folder, monkeypatch):
    for path in (real_data / "mnist").glob("*.gz"):
        server.files[path.name] = path.read_bytes()
    server.faults["train-images-idx3-ubyte.gz"] = ["drop"]
    monkeypatch.setenv("ABLAB_DATA", str(data_folder))
    assert len(fetch.fetch("mnist", progress=False, mirrors=[server.address])) == 4
    assert idx.read(sources.MNIST, 10)["train_images"].shape == (60000, 28, 28, 1)
