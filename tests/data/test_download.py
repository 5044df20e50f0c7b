import shutil
from types import SimpleNamespace

import pytest

from ablab.data import download
from ablab.data.errors import DataError
from ablab.errors import ResourceError

BODY = bytes(range(256)) * 1024


def check(path):
    if path.read_bytes() != BODY:
        raise DataError("not the right bytes")


@pytest.fixture
def get(server, tmp_path):
    server.files["f"] = BODY
    server.files["mirror/f"] = BODY

    def get(*names, max_size=10**6):
        addresses = [server.address + name for name in names or ("f",)]
        return download.download(
            addresses, tmp_path / "f", max_size, check, progress=False, pause_seconds=0
        )

    return get


def test_a_file_is_downloaded_completely(get, server, tmp_path):
    assert get() == server.address + "f"
    assert (tmp_path / "f").read_bytes() == BODY
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert server.asked == [("f", None)]


def test_a_dropped_connection_is_resumed(get, server, tmp_path):
    server.faults["f"] = ["drop", "drop"]
    get()
    assert (tmp_path / "f").read_bytes() == BODY
    half, quarter = len(BODY) // 2, len(BODY) // 4
    ranges = [None, f"bytes={half}-", f"bytes={half + quarter}-"]
    assert server.asked == [("f", wanted) for wanted in ranges]


def test_a_later_call_resumes_a_partial_file(get, server, tmp_path):
    (tmp_path / "f.part").write_bytes(BODY[:1000])
    get()
    assert (tmp_path / "f").read_bytes() == BODY
    assert server.asked == [("f", "bytes=1000-")]


def test_a_complete_partial_file_is_used(get, server, tmp_path):
    (tmp_path / "f.part").write_bytes(BODY)
    get()
    assert (tmp_path / "f").read_bytes() == BODY
    assert server.asked == [("f", f"bytes={len(BODY)}-")]


@pytest.mark.parametrize("left", [b"other bytes", BODY + b"too long"])
def test_a_wrong_partial_file_is_downloaded_again(get, server, tmp_path, left):
    (tmp_path / "f.part").write_bytes(left)
    get()
    assert (tmp_path / "f").read_bytes() == BODY
    assert server.asked == [("f", f"bytes={len(left)}-"), ("f", None)]


def test_a_server_without_ranges_sends_everything_again(get, server, tmp_path):
    server.faults["f"] = ["drop", "no ranges"]
    get()
    assert (tmp_path / "f").read_bytes() == BODY


def test_a_partial_file_is_resumed_from_the_next_mirror(get, server, tmp_path):
    server.faults["f"] = ["drop", 404]
    assert get("f", "mirror/f") == server.address + "mirror/f"
    assert server.asked[-1] == ("mirror/f", f"bytes={len(BODY) // 2}-")
    assert (tmp_path / "f").read_bytes() == BODY


@pytest.mark.parametrize(
    ("faults", "times"), [([404], 1), ([403], 1), ([500] * 3, 3), ([503] * 3, 3), (["corrupt"], 1)]
)
def test_the_next_address_is_used_after_a_failure(get, server, tmp_path, faults, times):
    server.faults["f"] = faults
    assert get("f", "mirror/f") == server.address + "mirror/f"
    assert [name for name, _ in server.asked] == ["f"] * times + ["mirror/f"]
    assert (tmp_path / "f").read_bytes() == BODY


def test_a_temporary_error_is_retried(get, server):
    server.faults["f"] = [500, 502]
    assert get("f", "mirror/f") == server.address + "f"


def test_the_next_address_is_used_if_a_server_is_unreachable(get, server, tmp_path):
    path = tmp_path / "f"
    addresses = ["http://127.0.0.1:9/f", server.address + "f"]
    used = download.download(addresses, path, len(BODY), check, progress=False, pause_seconds=0)
    assert used == addresses[1]


def test_if_all_addresses_fail_each_reason_is_given(get, server, tmp_path):
    server.faults["f"] = [404]
    server.faults["mirror/f"] = ["corrupt"]
    with pytest.raises(DataError, match=r"f: 404 Not Found; .*mirror/f: not the right bytes"):
        get("f", "mirror/f")
    assert list(tmp_path.iterdir()) == []


def test_retries_of_a_dropping_connection_are_limited(get, server, tmp_path):
    server.faults["f"] = ["drop"] * 100
    with pytest.raises(DataError, match="must come from one of its addresses"):
        get()
    assert len(server.asked) < 30
    assert BODY.startswith((tmp_path / "f.part").read_bytes())


def test_a_file_that_is_too_long_is_refused(get, tmp_path):
    with pytest.raises(DataError, match=f"must be 99 bytes at the most, got {len(BODY)}"):
        get(max_size=99)
    assert not (tmp_path / "f").exists()


def test_a_full_disk_is_reported_before_writing(get, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(ResourceError, match="MB to download, 200 MB to stay free"):
        get()
    assert list(tmp_path.iterdir()) == []
