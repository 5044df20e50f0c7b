"""Paths of the lab, the data, and the folders of configurations."""

from pathlib import Path

import pytest

from ablab import folders

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder outside the clone, without the variables that name another."""
    monkeypatch.delenv("ABLAB_HOME", raising=False)
    monkeypatch.delenv("ABLAB_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make_lab(parent: Path) -> Path:
    lab = parent / "lab"
    lab.mkdir(parents=True)
    (lab / "lab.json").write_text("{}")
    return lab


def test_new_lab_is_in_the_working_folder(elsewhere: Path) -> None:
    assert folders.lab_folder() == elsewhere / "lab"
    assert not (elsewhere / "lab").exists()


def test_lab_is_searched_upwards(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = make_lab(elsewhere)
    deep = elsewhere / "notes" / "today"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert folders.lab_folder() == lab


def test_nearest_lab_is_used(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_lab(elsewhere)
    near = make_lab(elsewhere / "project")
    monkeypatch.chdir(near.parent)
    assert folders.lab_folder() == near


def test_folder_named_lab_without_lab_json_is_ignored(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere / "lab").mkdir()
    below = elsewhere / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    assert folders.lab_folder() == below / "lab"


def test_ablab_home_overrides_the_search(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_lab(elsewhere)
    monkeypatch.setenv("ABLAB_HOME", "other")
    assert folders.lab_folder() == elsewhere / "other"


def test_data_and_cache_follow_the_lab(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABLAB_HOME", str(elsewhere / "work" / "lab"))
    assert folders.data_folder() == elsewhere / "work" / "data"
    assert folders.cache_folder() == elsewhere / "work" / "lab" / "cache"


def test_ablab_data_overrides_the_default(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABLAB_HOME", str(elsewhere / "lab"))
    monkeypatch.setenv("ABLAB_DATA", str(elsewhere / "shelf"))
    assert folders.data_folder() == elsewhere / "shelf"


@pytest.mark.parametrize("kind", ["conf", "sweeps"])
def test_clone_uses_its_own_configurations(kind: str) -> None:
    assert folders.shipped_folder(kind) == ROOT / kind


@pytest.mark.parametrize("kind", ["conf", "sweeps"])
def test_user_folder_is_in_the_working_folder(kind: str, elsewhere: Path) -> None:
    assert folders.user_folder(kind) is None
    (elsewhere / kind).mkdir()
    assert folders.user_folder(kind) == elsewhere / kind


@pytest.mark.parametrize("kind", ["conf", "sweeps"])
def test_folder_of_the_clone_is_not_the_users(
    kind: str, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert folders.user_folder(kind) is None
    (elsewhere / kind).symlink_to(ROOT / kind, target_is_directory=True)
    monkeypatch.chdir(elsewhere)
    assert folders.user_folder(kind) is None
