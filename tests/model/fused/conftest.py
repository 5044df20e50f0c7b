"""Each test has its own lab and working folder."""

import pytest


@pytest.fixture(autouse=True)
def _own_home(own_home: None) -> None:
    """Use `own_home` in every test of this folder."""
