import gzip
import hashlib
import os

import pytest

from ablab.data import content
from ablab.data.errors import DataError
from ablab.data.sources import SOURCES, Source, SourceFile

RAW = b"\0\0" + os.urandom(5000)
FILE = SourceFile("f", len(RAW), hashlib.sha256(RAW).hexdigest())
SOURCE = Source("fake", "set", (FILE,), ())


@pytest.fixture
def put(data_folder):
    (data_folder / "set").mkdir(parents=True)
    return lambda name, raw: (data_folder / "set" / name).write_bytes(raw)


@pytest.mark.parametrize(("name", "raw"), [("f", RAW), ("f.gz", gzip.compress(RAW)), ("f.gz", RAW)])
def test_plain_and_gzipped_files_are_equivalent(put, name, raw):
    put(name, raw)
    assert content.read(SOURCE, FILE) == RAW


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "must have 5002 bytes of content, got 0"),
        (RAW[:-1], "must have 5002 bytes of content, got 5001"),
        (RAW + b"\0", "must have 5002 bytes of content, got more"),
        (RAW[:-1] + bytes([RAW[-1] ^ 1]), "must have content of SHA-256"),
        (gzip.compress(RAW)[:-1], "must be a whole, readable file"),
        (gzip.compress(RAW)[:2000], "must be a whole, readable file"),
        (gzip.compress(RAW)[:10] + bytes([255]) * 100, "must be a whole, readable file"),
        (gzip.compress(RAW)[:-8] + bytes(8), "must be a whole, readable file"),
        (gzip.compress(bytes(10**7)), "must have 5002 bytes of content, got more"),
        (b"<html>not here</html>", "must have 5002 bytes of content, got 21"),
    ],
)
def test_other_content_is_refused(put, raw, message):
    put("f.gz", raw)
    with pytest.raises(DataError, match=rf"f\.gz {message}"):
        content.read(SOURCE, FILE)


def test_reading_writes_nothing(put, data_folder):
    put("f.gz", gzip.compress(RAW))
    before = {path: path.stat().st_mtime_ns for path in data_folder.rglob("*")}
    content.read(SOURCE, FILE)
    assert {path: path.stat().st_mtime_ns for path in data_folder.rglob("*")} == before


@pytest.mark.parametrize("source", SOURCES.values(), ids=lambda source: source.name)
def test_published_sources_are_complete(source):
    assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in source.mirrors)
    sums = [file.sha256 for file in source.files]
    assert all(len(bytes.fromhex(text)) == 32 for text in sums)
    assert len(set(sums)) == len(sums)


def test_fingerprints_of_sources_differ():
    assert len({source.fingerprint for source in SOURCES.values()}) == len(SOURCES)
