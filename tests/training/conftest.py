"""Each test works in a lab and a folder of its own."""

import pytest


@pytest.fixture(autouse=True)
def _own_home(own_home: None) -> None:
    """Set up what `own_home` gives, for every test of this folder."""
