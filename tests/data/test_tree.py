"""Every entry of a folder is read, reported as unread, or refused."""

import os
import socket
from pathlib import Path

import pytest

from ablab.data.errors import DataError
from ablab.data.tree import MAX_DEPTH, Scan, format_faults


@pytest.fixture
def root(tmp_path):
    for name in ("cats/1.png", "cats/deep/2.png", "dogs/1.png"):
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path / "root"


def names(scan):
    return sorted(str(f.path.relative_to(scan.root.path)) for f in scan.root.all_files())


def test_files_of_all_depths_are_found_with_size_and_time(root):
    scan = Scan(root)
    assert names(scan) == ["cats/1.png", "cats/deep/2.png", "dogs/1.png"]
    assert [scan.root.total, scan.root.folders["cats"].total] == [3, 2]
    (file,) = scan.root.folders["dogs"].files
    stat = (root / "dogs/1.png").stat()
    assert (file.size, file.mtime_ns) == (1, stat.st_mtime_ns)


def test_system_files_are_ignored_and_documents_are_unread(root):
    ignored = [".DS_Store", "Thumbs.db", "desktop.ini", "._1.png", ".gitkeep"]
    for name in ignored:
        (root / "cats" / name).write_bytes(b"x")
    for name in ("__MACOSX", ".ipynb_checkpoints", "@eaDir"):
        (root / name).mkdir()
        (root / name / "1.png").write_bytes(b"x")
    unread = ["notes.TXT", "boxes.xml", ".hidden.png", ".git"]
    for name in unread[:3]:
        (root / "cats" / name).write_bytes(b"x")
    (root / "cats" / unread[3]).mkdir()
    scan = Scan(root)
    assert names(scan) == ["cats/1.png", "cats/deep/2.png", "dogs/1.png"]
    assert sorted(path.name for path in scan.unread) == sorted(unread)


def test_files_of_unknown_type_count_as_images(root):
    for name in ("a.heic", "b.npy", "c", "d.PNG", "e.jpg.bak"):
        (root / "cats" / name).write_bytes(b"x")
    scan = Scan(root)
    assert scan.unread == []
    assert scan.root.total == 8


def test_links_to_files_and_folders_are_followed(root, tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "3.png").write_bytes(b"xyz")
    (root / "owls").symlink_to(tmp_path / "far")
    (root / "dogs" / "4.png").symlink_to(tmp_path / "far" / "3.png")
    scan = Scan(root)
    assert names(scan) == [
        "cats/1.png",
        "cats/deep/2.png",
        "dogs/1.png",
        "dogs/4.png",
        "owls/3.png",
    ]
    assert scan.root.folders["owls"].files[0].size == 3


def _dangling(root: Path) -> str:
    (root / "cats" / "9.png").symlink_to(root / "gone.png")
    return "cats/9.png: a link to '.*gone.png': No such file"


def _to_itself(root: Path) -> str:
    (root / "cats" / "9.png").symlink_to("9.png")
    return "cats/9.png: a link to '9.png': Too many levels"


def _back(root: Path) -> str:
    (root / "cats" / "up").symlink_to(root)
    return "cats/up: it is the folder .*/root, by a link"


def _twice(root: Path) -> str:
    (root / "more").symlink_to(root / "cats")
    return "more: it is the folder .*/cats, by a link"


def _pipe(root: Path) -> str:
    os.mkfifo(root / "dogs" / "pipe.png")
    return "dogs/pipe.png: it is a pipe"


def _socket(root: Path) -> str:
    folder = Path.cwd()
    os.chdir(root)  # the name of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("s.png")
    finally:
        os.chdir(folder)
    return "s.png: it is a socket"


def _device(root: Path) -> str:
    (root / "null.png").symlink_to("/dev/null")
    return "null.png: it is a device"


def _deep(root: Path) -> str:
    (root / "/".join("d" * (MAX_DEPTH + 1))).mkdir(parents=True)
    return f"folders are more than {MAX_DEPTH} deep"


@pytest.mark.parametrize(
    "spoil", [_dangling, _to_itself, _back, _twice, _pipe, _socket, _device, _deep]
)
def test_unreadable_entries_are_refused_by_name(root, spoil):
    fault = spoil(root)
    message = f"^path must hold files and folders that can be read, got 1 that cannot:\n  .*{fault}"
    with pytest.raises(DataError, match=message):
        Scan(root)


def test_all_unreadable_folders_are_reported_at_once(root, monkeypatch):
    original = os.scandir

    def closed(path):
        if Path(path).name in ("cats", "dogs"):
            raise PermissionError(13, "Permission denied")
        return original(path)

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(DataError, match="got 2 that cannot") as caught:
        Scan(root)
    for name in ("cats", "dogs"):
        assert f"{root / name}: Permission denied" in str(caught.value)


def test_links_that_double_at_each_level_are_refused_quickly(tmp_path):
    for level in range(30):  # read one by one that would be 2**30 folders
        folder = tmp_path / f"{level}"
        folder.mkdir()
        for name in "ab":
            (folder / name).symlink_to(tmp_path / f"{level + 1}")
    (tmp_path / "30").mkdir()
    with pytest.raises(DataError, match="by a link"):
        Scan(tmp_path / "0")


def test_the_first_of_many_faults_are_listed():
    text = format_faults([f"fault {n}" for n in range(33)])
    assert text.startswith("\n  fault 0\n")
    assert text.endswith("fault 19\n  and 13 more")
