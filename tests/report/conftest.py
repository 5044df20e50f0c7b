from pathlib import Path

import pytest
from labwriter import Fate, LabWriter, realistic_fates


@pytest.fixture
def writer(tmp_path: Path) -> LabWriter:
    return LabWriter(tmp_path / "lab")


@pytest.fixture
def realistic() -> dict[str, list[Fate]]:
    return realistic_fates()
