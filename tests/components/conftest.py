"""Parametrizes the contract tests over the components."""

from typing import Any

import pytest
import torch
from contract import CONTRACT, names
from networks import LARGE


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that names an axis once for each component of it.

    Large architectures go to the slow suite, unless the test asks for ``any_architecture``.
    """
    for axis in CONTRACT.keys() & set(metafunc.fixturenames):
        mark = _architecture if axis == "architecture" else str
        metafunc.parametrize(axis, [mark(name) for name in names(axis)])
    if "any_architecture" in metafunc.fixturenames:
        metafunc.parametrize("any_architecture", names("architecture"))


def _architecture(name: str) -> Any:
    return pytest.param(name, marks=[pytest.mark.slow] if name in LARGE else [])


@pytest.fixture(autouse=True)
def _same_inputs_every_time() -> None:
    torch.manual_seed(0)
