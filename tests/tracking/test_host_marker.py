"""On a network filesystem one machine uses a store; a second one is refused, or takes over."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorded import begin, finish

from ablab.errors import StoreError
from ablab.tracking import database, host_marker
from ablab.tracking.delivery import deliver
from ablab.tracking.host_marker import check_claim, claim, marker
from ablab.tracking.lab import Lab
from ablab.tracking.store import Store

# Another machine, as its boot id shows: beats until it is killed.
OTHER = """
import sys, time
from pathlib import Path
from ablab.tracking import database, host_marker
database._MOUNTS = Path(sys.argv[2])
host_marker._INTERVAL = float(sys.argv[3])
host_marker.machine = lambda: {"host": "bigbox", "boot": "another boot"}
try:
    print(host_marker.claim(Path(sys.argv[1])), flush=True)
except Exception as error:
    print(type(error).__name__, error, flush=True)
time.sleep(600)
"""


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The path of a store on what counts as a network filesystem, with short intervals."""
    mounts = tmp_path / "mounts"
    mounts.write_text(f"root / ext4 rw 0 0\nserver:/x {tmp_path} nfs4 rw 0 0\n")
    monkeypatch.setattr(database, "_MOUNTS", mounts)
    monkeypatch.setattr(host_marker, "_INTERVAL", 0.2)
    monkeypatch.setattr(host_marker, "_claims", {})
    (tmp_path / "lab").mkdir()
    yield tmp_path / "lab" / "mlflow.db"
    host_marker._claims.clear()  # ends the threads


def be(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be another machine from now on, in a new process."""
    monkeypatch.setattr(host_marker, "machine", lambda: {"host": host, "boot": f"boot of {host}"})
    monkeypatch.setattr(host_marker, "_claims", {})


def other_machine(path: Path, interval: float) -> "subprocess.Popen[str]":
    mounts = path.parent.parent / "mounts"
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(OTHER), str(path), str(mounts), str(interval)],
        stdout=subprocess.PIPE,
        text=True,
    )


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_local_store_has_no_marker(lab: Lab) -> None:
    Store.open(lab)
    assert not list(lab.root.glob(".*.host-*"))


def test_processes_of_one_machine_share_a_store(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert claim(shared) is None
    monkeypatch.setattr(host_marker, "_claims", {})  # as in another process
    assert claim(shared) is None
    assert [file.name for file in shared.parent.iterdir()] == [marker(shared, 1).name]


def test_a_second_machine_is_refused_with_advice_while_the_first_works(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = other_machine(shared, 0.05)
    monkeypatch.setattr(host_marker, "_INTERVAL", 20.0)  # patience with a busy machine
    try:
        assert first_line(working) == "None"
        with pytest.raises(StoreError) as refused:
            Store.open(Lab(shared.parent))
        told = str(refused.value)
        assert "must be used by one machine at a time" in told
        assert "nfs4" in told
        assert f"got one that bigbox (process {working.pid}) uses" in told
        assert "MLFLOW_TRACKING_URI" in told
        assert not shared.exists()  # refused before the store is opened, or created
    finally:
        working.kill()
        working.communicate()


def test_a_machine_that_was_killed_is_replaced_with_a_notice(shared: Path) -> None:
    killed = other_machine(shared, 0.05)
    assert first_line(killed) == "None"
    killed.kill()
    killed.communicate()
    notice = Store.open(Lab(shared.parent)).notices[0]
    assert f"was last used on bigbox (process {killed.pid}), which has stopped" in notice
    assert json.loads(marker(shared, 2).read_bytes())["pid"] == os.getpid()


def test_of_two_machines_that_replace_a_third_one_wins(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both saw the first marker stand still: the second to create the next one is refused."""
    be("gone", monkeypatch)
    claim(shared)
    host_marker._claims.clear()
    be("slow", monkeypatch)
    working: list[subprocess.Popen[str]] = []

    def still(path: Path) -> bool:
        if not working:
            working.append(other_machine(shared, 0.05))
            assert "which has stopped" in first_line(working[0])
            return True
        return original(path)

    original = host_marker._stands_still
    monkeypatch.setattr(host_marker, "_INTERVAL", 20.0)  # patience with a busy machine
    monkeypatch.setattr(host_marker, "_stands_still", still)
    try:
        with pytest.raises(StoreError, match="got one that bigbox"):
            claim(shared)
        assert not marker(shared, 3).exists()
    finally:
        working[0].kill()
        working[0].communicate()


def test_a_process_that_was_suspended_and_replaced_writes_no_more(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = Lab.open(shared.parent)
    store = Store.open(lab)
    run = begin(lab, epochs=1)
    finish(run)
    (claimed,) = host_marker._claims.values()
    with monkeypatch.context() as patch:
        patch.setattr(host_marker, "_beat", lambda _: None)  # as when suspended
        be("second", patch)
        assert "which has stopped" in str(claim(shared))
        host_marker._claims.clear()
    host_marker._claims[shared] = claimed
    claimed.beaten -= 10  # the time of the suspension
    with pytest.raises(StoreError, match=r"got one that second .* uses"):
        deliver(run, store, "trials", name="n", tags={})


def test_a_marker_that_cannot_be_written_ends_the_use_of_the_store(shared: Path) -> None:
    claim(shared)
    (claimed,) = host_marker._claims.values()
    marker(shared, 1).unlink()
    claimed.beaten -= 10
    with pytest.raises(StoreError, match="must be used by one machine at a time"):
        check_claim(shared)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff" * 512])
def test_a_torn_marker_counts_as_that_of_a_machine_that_stopped(
    shared: Path, content: bytes
) -> None:
    marker(shared, 1).write_bytes(content)
    assert "another machine (process unknown), which has stopped" in str(claim(shared))


def test_without_a_boot_id_the_name_decides(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_marker, "_BOOT", shared.parent / "nothing")
    assert claim(shared) is None
    monkeypatch.setattr(host_marker, "_claims", {})
    assert claim(shared) is None
    assert not marker(shared, 2).exists()
