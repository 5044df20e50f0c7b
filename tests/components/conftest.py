"""Contract tests find the components by themselves."""

import pytest
import torch
from contract import CONTRACT, names


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that names an axis once for each component of it."""
    for axis in CONTRACT.keys() & set(metafunc.fixturenames):
        metafunc.parametrize(axis, names(axis))


@pytest.fixture(autouse=True)
def _same_inputs_every_time() -> None:
    torch.manual_seed(0)
