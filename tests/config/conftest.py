"""Every test of this folder uses a lab and a working folder of its own."""

import pytest


@pytest.fixture(autouse=True)
def _own_home(own_home: None) -> None:
    """Apply `own_home` to every test of this folder."""
