"""docs/claims/index.md has every claim, as its YAML states it. Out of date? `make docs`."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ablab.sweep.claims import read_claims

ROOT = Path(__file__).parents[1]


@pytest.fixture
def maker() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(ROOT / "docs"), *sys.path])
        patch.setattr(sys, "dont_write_bytecode", True)
        return importlib.import_module("claims")


def test_the_page_is_current(maker: ModuleType) -> None:
    assert maker.PAGE.read_text("utf-8") == maker.page()


def test_the_page_has_every_claim_and_no_verdict(maker: ModuleType) -> None:
    text = maker.page()
    for each in read_claims():
        assert f"## {each.claim.number}. {each.claim.says}" in text
    assert "contradicted" not in text
