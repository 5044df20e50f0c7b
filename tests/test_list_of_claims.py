"""docs/claims/index.md has every claim, its results and a remark. Out of date? `make docs`."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ablab.sweep.claims import SMALL, read_claims

ROOT = Path(__file__).parents[1]


@pytest.fixture
def maker() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(ROOT / "docs"), *sys.path])
        patch.setattr(sys, "dont_write_bytecode", True)
        return importlib.import_module("claims")


def test_the_page_is_current(maker: ModuleType) -> None:
    assert maker.PAGE.read_text("utf-8") == maker.page()


def test_the_page_has_every_claim_with_its_verdict(maker: ModuleType) -> None:
    text, rows = maker.page(), maker.results()
    for each in read_claims():
        assert f"## {each.claim.number}. {each.claim.says}" in text
        found = [row for row in rows[each.name] if row["sweep"] == each.sweep(SMALL)]
        assert found[0]["verdict"] not in ("not run", "no verdict yet")
        assert [row["expected"] for row in found] == list(map(str, each.claim.expects))


def test_what_is_called_contradicted_was_checked_in_a_second_setting(maker: ModuleType) -> None:
    for each in read_claims():
        rows = maker.results()[each.name]
        if rows[0]["verdict"].startswith("contradicted"):
            assert {row["sweep"] for row in rows} == {
                each.sweep(SMALL),
                each.sweep(SMALL, second=True),
            }


def test_the_plans_have_a_key_for_each_trial_of_the_results(maker: ModuleType) -> None:
    planned = {row["sweep"] for row in maker.plans()}
    assert planned == {row["sweep"] for rows in maker.results().values() for row in rows}
    assert all(len(row["key"]) == 16 for row in maker.plans())
