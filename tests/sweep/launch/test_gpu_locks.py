"""Locks on GPUs hold between processes and users, and end with the process."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ablab.sweep.launch.gpu_locks import GPULocks
from ablab.sweep.launch.gpus import GPU, GPUSlot

A, B = GPU("0", "GPU-a"), GPU("1", "GPU-b")
WHOLE = [GPUSlot((A,)), GPUSlot((B,))]
SHARES = [GPUSlot((A,), 0), GPUSlot((B,), 0), GPUSlot((A,), 1)]
BOTH = [GPUSlot((A, B))]
HOLDER = """
    import sys, time
    from pathlib import Path
    from ablab.sweep.launch.gpu_locks import GPULocks
    from ablab.sweep.launch.gpus import GPU, GPUSlot
    locks = GPULocks([GPUSlot((GPU("7", "GPU-a"),), {share})], Path(sys.argv[1]))
    print(locks.acquire(0, alone=False), flush=True)
    time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "gpus"


@pytest.fixture
def hold(folder: Path) -> Iterator[Callable[[int | None], subprocess.Popen[str]]]:
    """Lock GPU a, whole or a share, in a process of its own."""
    processes = []

    def start(share: int | None) -> subprocess.Popen[str]:
        code = textwrap.dedent(HOLDER).format(share=share)
        command = [sys.executable, "-c", code, str(folder)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_gpu_of_another_process_is_refused_until_that_ends(
    folder: Path, hold: Callable[[int | None], subprocess.Popen[str]]
):
    process = hold(None)
    locks = GPULocks([*WHOLE, *BOTH, *SHARES], folder)
    assert not locks.acquire(0, alone=False)  # under another name there
    assert locks.acquire(1, alone=False)
    locks.release(1)
    assert not locks.acquire(2, alone=False)  # one of its two GPUs
    assert not locks.acquire(3, alone=False)  # a share of it
    assert locks.acquire(1, alone=False)  # nothing is kept of a failed attempt
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert locks.acquire(0, alone=False)


def test_shares_of_two_processes_are_side_by_side(
    folder: Path, hold: Callable[[int | None], subprocess.Popen[str]]
):
    hold(0)
    locks = GPULocks(SHARES, folder)
    assert not locks.acquire(0, alone=False)
    assert locks.acquire(2, alone=False)
    locks.release(2)
    assert not locks.acquire(2, alone=True)  # has a neighbor
    assert not GPULocks(WHOLE, folder).acquire(0, alone=False)


def test_trial_alone_excludes_the_shares_of_its_own_sweep(folder: Path):
    locks = GPULocks(SHARES, folder)
    assert locks.acquire(0, alone=True)
    assert not locks.acquire(2, alone=False)
    assert locks.acquire(1, alone=False)
    locks.release(0)
    assert locks.acquire(2, alone=False)


def test_files_are_open_to_all_users_whatever_the_umask(folder: Path):
    before = os.umask(0o077)
    try:
        assert GPULocks(SHARES, folder).acquire(0, alone=False)
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o7777 == 0o1777
    assert {path.name for path in folder.iterdir()} == {"GPU-a", "GPU-a.0"}
    assert all(path.stat().st_mode & 0o777 == 0o444 for path in folder.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as two users")
def test_file_of_another_user_can_be_locked():
    with TemporaryDirectory(dir="/tmp") as parent:  # all users can enter it
        Path(parent).chmod(0o755)
        folder = Path(parent, "gpus")
        locks = GPULocks(WHOLE, folder)
        assert locks.acquire(0, alone=False)
        os.seteuid(4321)
        try:
            others = GPULocks(WHOLE, folder)
            assert not others.acquire(0, alone=False)
            assert others.acquire(1, alone=False)
            locks.release(0)
            assert others.acquire(0, alone=False)
        finally:
            os.seteuid(0)
        assert not locks.acquire(1, alone=False)


def test_link_in_place_of_a_lock_is_refused(folder: Path, tmp_path: Path):
    locks = GPULocks(WHOLE, folder)
    assert locks.acquire(1, alone=False)
    (folder / "GPU-a").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic links"):
        locks.acquire(0, alone=False)
    assert not (tmp_path / "other").exists()


def test_names_are_safe_file_names(folder: Path):
    odd = GPU("0", "../x/y")
    assert GPULocks([GPUSlot((odd,))], folder).acquire(0, alone=False)
    assert [path.name for path in folder.iterdir()] == [".._x_y"]


def test_only_shares_are_shared(folder: Path):
    assert [GPULocks([*WHOLE, *SHARES], folder).is_shared(slot) for slot in (0, 2)] == [False, True]
