"""docs/claims/index.md has every claim, its results and a remark. Out of date? `make docs`."""

import csv
import importlib
import shutil
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


def test_results_of_claims_that_were_not_run_stay(
    maker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, plans = (tmp_path / "before"), maker.plans()
    shutil.copytree(maker.FOLDER, before)
    monkeypatch.setattr(maker, "FOLDER", before)
    rows = [row for found in maker.results().values() for row in found]
    (third,) = {row["sweep"] for row in rows if row["number"] == "3"}
    report = tmp_path / "lab/sweeps" / third / "report"
    report.mkdir(parents=True)
    new = [row | {"seconds": "7"} for row in rows if row["number"] == "3"]
    others = [row | {"verdict": "not run"} for row in rows if row["number"] == "4"]
    with (tmp_path / "lab/sweeps/claims.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows([*new, *others])
    (report / "trials.csv").write_text("variant,seed,key,host\nrelu,0,0123456789abcdef,here\n")
    maker.keep(tmp_path / "lab")
    assert [row for found in maker.results().values() for row in found] == [
        row | {"seconds": "7"} if row["number"] == "3" else row for row in rows
    ]
    assert [row["key"] for row in maker.plans() if row["sweep"] == third] == ["0123456789abcdef"]
    assert [r for r in maker.plans() if r["sweep"] != third] == [
        r for r in plans if r["sweep"] != third
    ]
