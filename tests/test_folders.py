"""Where things lie: the lab, the data, and the folders of configurations."""

from pathlib import Path

import pytest

from ablab import folders

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder outside the clone, and no variable that names another."""
    monkeypatch.delenv("ABLAB_HOME", raising=False)
    monkeypatch.delenv("ABLAB_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make_lab(parent: Path) -> Path:
    lab = parent / "lab"
    lab.mkdir(parents=True)
    (lab / "lab.json").write_text("{}")
    return lab


def test_lab_is_beside_the_work_where_there_is_none_yet(elsewhere: Path) -> None:
    assert folders.lab_folder() == elsewhere / "lab"
    assert not (elsewhere / "lab").exists()


def test_lab_is_sought_upward(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = make_lab(elsewhere)
    deep = elsewhere / "notes" / "today"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert folders.lab_folder() == lab


def test_nearest_lab_wins(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_lab(elsewhere)
    near = make_lab(elsewhere / "project")
    monkeypatch.chdir(near.parent)
    assert folders.lab_folder() == near


def test_foreign_folder_named_lab_is_no_lab(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere / "lab").mkdir()
    below = elsewhere / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    assert folders.lab_folder() == below / "lab"


def test_ablab_home_wins(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_lab(elsewhere)
    monkeypatch.setenv("ABLAB_HOME", "other")
    assert folders.lab_folder() == elsewhere / "other"


def test_data_and_cache_go_with_the_lab(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABLAB_HOME", str(elsewhere / "work" / "lab"))
    assert folders.data_folder() == elsewhere / "work" / "data"
    assert folders.cache_folder() == elsewhere / "work" / "lab" / "cache"


def test_ablab_data_wins(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABLAB_HOME", str(elsewhere / "lab"))
    monkeypatch.setenv("ABLAB_DATA", str(elsewhere / "shelf"))
    assert folders.data_folder() == elsewhere / "shelf"


@pytest.mark.parametrize("kind", ["conf", "sweeps"])
def test_clone_uses_its_own_configurations(kind: str) -> None:
    assert folders.own_folder(kind) == ROOT / kind


@pytest.mark.parametrize("kind", ["conf", "sweeps"])
def test_user_folder_is_beside_the_work(kind: str, elsewhere: Path) -> None:
    assert folders.user_folder(kind) is None
    (elsewhere / kind).mkdir()
    assert folders.user_folder(kind) == elsewhere / kind


@pytest.mark.parametrize("kind", ["conf", "sweeps"])
def test_clones_own_folder_is_no_users(
    kind: str, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert folders.user_folder(kind) is None
    (elsewhere / kind).symlink_to(ROOT / kind, target_is_directory=True)
    monkeypatch.chdir(elsewhere)
    assert folders.user_folder(kind) is None
