from pathlib import Path

import pytest
from labwriter import LabWriter, Outcome, realistic_outcomes


@pytest.fixture
def writer(tmp_path: Path) -> LabWriter:
    return LabWriter(tmp_path / "lab")


@pytest.fixture
def realistic() -> dict[str, list[Outcome]]:
    return realistic_outcomes()
