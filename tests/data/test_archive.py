import hashlib
import io
import os
import tarfile

import pytest

from ablab.data import archive
from ablab.data.errors import DataError
from ablab.data.sources import SourceFile

CONTENT = {"train.bin": b"t" * 3000, "test.bin": b"e" * 500}


def files(content=CONTENT):
    return [
        SourceFile(name, len(raw), hashlib.sha256(raw).hexdigest()) for name, raw in content.items()
    ]


def member(name, raw=b"", **attributes):
    info = tarfile.TarInfo(name)
    info.size = len(raw)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, raw


GOOD = [member(f"set/{name}", raw) for name, raw in CONTENT.items()]


@pytest.fixture
def unpack(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()

    def unpack(members, cut=None):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w:gz") as tar:
            for info, raw in members:
                tar.addfile(info, io.BytesIO(raw))
        path = tmp_path / "set.tar.gz"
        path.write_bytes(stream.getvalue()[:cut])
        archive.unpack(path, files(), folder)
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    return unpack


def test_only_named_members_are_unpacked(unpack, tmp_path):
    others = [member("set/other.bin", b"x"), member("../escaped", b"x"), member("/absolute", b"x")]
    assert unpack([*others, *GOOD]) == CONTENT
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set", "set.tar.gz"]


def test_member_names_may_start_with_a_dot(unpack):
    assert unpack([member(f"./set/{name}", raw) for name, raw in CONTENT.items()]) == CONTENT


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
def test_a_link_or_folder_instead_of_a_file_is_refused(unpack, tmp_path, kind):
    link = member("set/train.bin", type=kind, linkname="../../secret")
    with pytest.raises(DataError, match="got a link or a special file"):
        unpack([link, GOOD[1]])
    assert list((tmp_path / "set").iterdir()) == []


@pytest.mark.parametrize("raw", [b"t" * 2999, b"t" * 3001])
def test_a_member_of_another_size_is_refused(unpack, raw):
    with pytest.raises(DataError, match=rf"must be a file of 3000 bytes, got .* {len(raw)} bytes"):
        unpack([member("set/train.bin", raw), GOOD[1]])


def test_a_member_of_other_content_is_refused(unpack, tmp_path):
    with pytest.raises(DataError, match=r"train\.bin must have SHA-256"):
        unpack([member("set/train.bin", b"T" * 3000), GOOD[1]])
    assert list((tmp_path / "set").iterdir()) == []


def test_an_archive_without_a_file_is_refused(unpack):
    with pytest.raises(DataError, match=r"must hold set/test\.bin"):
        unpack(GOOD[:1])


@pytest.mark.parametrize("cut", [0, 15, 60])
def test_a_damaged_archive_is_refused(unpack, cut):
    with pytest.raises(DataError, match=r"must be a whole tar\.gz archive"):
        unpack([member("set/train.bin", os.urandom(3000)), GOOD[1]], cut)


def test_check_compares_the_hash_of_the_archive(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x")
    archive.check(path, SourceFile("a", 1, hashlib.sha256(b"x").hexdigest()))
    with pytest.raises(DataError, match="must have SHA-256"):
        archive.check(path, SourceFile("a", 1, hashlib.sha256(b"y").hexdigest()))
