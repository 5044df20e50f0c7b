"""The rule for free disk space, and its message."""

import shutil
from pathlib import Path

import pytest

from ablab.disk import FLOOR_BYTES, free_bytes, require_space
from ablab.errors import ResourceError


def test_free_space_of_a_missing_folder_is_that_of_its_parent(tmp_path: Path) -> None:
    free = free_bytes(tmp_path / "not" / "yet")
    assert free == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.1)


@pytest.mark.parametrize(
    ("free", "needed", "is_enough"),
    [
        (FLOOR_BYTES, 0, True),
        (FLOOR_BYTES - 1, 0, False),
        (FLOOR_BYTES + 1e9, 1e9, True),
        (FLOOR_BYTES + 1e9 - 1, 1e9, False),
    ],
)
def test_the_floor_stays_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: float, needed: float, is_enough: bool
) -> None:
    monkeypatch.setattr("ablab.disk.free_bytes", lambda _folder: free)
    if is_enough:
        require_space(tmp_path, needed)
        return
    with pytest.raises(ResourceError, match="free disk space must be at least") as caught:
        require_space(tmp_path, needed)
    assert str(tmp_path) in str(caught.value)
    assert ("1.00 GB to train, 200 MB to stay free" in str(caught.value)) == bool(needed)
