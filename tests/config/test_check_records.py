"""Records of checks: they hold for one code, one machine and the same data, and for all seeds."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ablab.config import check_records, checks
from ablab.config.check_records import recorded, recorded_numbers
from ablab.config.checks import Checked
from ablab.config.compose import compose
from ablab.faults import ConfigError
from ablab.sweep.forecast import StepCost

pytestmark = pytest.mark.usefixtures("own_home")


class Counted:
    """A check that counts its calls."""

    def __init__(self, data: Path | None) -> None:
        self.data, self.calls = data, 0

    def __call__(self, config: Mapping[str, Any]) -> Checked:
        self.calls += 1
        return Checked(frozenset({"activation"}), "d", {}, self.data and (self.data,))


@pytest.fixture
def check(tmp_path: Path) -> Counted:
    (tmp_path / "images").write_text("1")
    return Counted(tmp_path / "images")


def config(*overrides: str) -> dict[str, Any]:
    return compose(["architecture=mlp", *overrides]).resolved()


def test_a_configuration_is_checked_once_for_all_seeds(check: Counted):
    first = recorded(check)(config())
    assert recorded(check)(config("seed=7")) == first
    assert check.calls == 1
    recorded(check)(config("optimizer.lr=0.5"))
    assert check.calls == 2


def test_the_record_is_that_of_the_real_check():
    found = recorded(checks.check)(config())
    assert found.data_files
    assert recorded(pytest.fail)(config()) == found == checks.check(config())


def test_other_code_or_another_machine_checks_again(
    check: Counted, monkeypatch: pytest.MonkeyPatch
):
    recorded(check)(config())
    monkeypatch.setattr(check_records, "fingerprint", lambda: "other")
    recorded(check)(config())
    assert check.calls == 2


@pytest.mark.parametrize("change", ["content", "absent"])
def test_changed_data_are_checked_again(check: Counted, change: str):
    assert check.data is not None
    recorded(check)(config())
    if change == "content":
        check.data.write_text("changed")
        recorded(check)(config())
    else:
        check.data.unlink()
        with pytest.raises(FileNotFoundError):
            recorded(raise_absent)(config())
    assert check.calls == (2 if change == "content" else 1)


def raise_absent(_config: Mapping[str, Any]) -> Checked:
    raise FileNotFoundError


@pytest.mark.parametrize(
    "change",
    [
        {"activation": {"_target_": "mine.act"}},
        {"launcher": {"_target_": "mine.Launcher"}},
        {"dataset": {"_target_": "ablab.components.dataset.folder.folder", "path": "images"}},
    ],
)
def test_what_is_of_the_user_is_checked_each_time(check: Counted, change: dict[str, Any]):
    for _ in range(2):
        recorded(check)({**config(), **change})
    assert check.calls == 2


def test_data_without_files_are_checked_each_time():
    check = Counted(None)
    for _ in range(2):
        recorded(check)(config())
    assert check.calls == 2


def test_faults_are_found_each_time():
    def refuse(_config: Mapping[str, Any]) -> Checked:
        raise ConfigError(["optimizer.lr must be less, got 1"])

    for _ in range(2):
        with pytest.raises(ConfigError, match=r"optimizer\.lr"):
            recorded(refuse)(config())


def test_a_damaged_record_counts_as_none(check: Counted, tmp_path: Path):
    recorded(check)(config())
    (record,) = (tmp_path / "lab" / "cache" / "checks").glob("*/*.json")
    for text in ("", "[]", json.dumps({"files": 3}), json.dumps({"files": {}, "used": None})):
        record.write_text(text)
        recorded(check)(config())
    assert check.calls == 5


def test_a_measurement_is_made_once():
    costs = [StepCost(0.5, 10, 100, 300, 50)]
    measured = [recorded_numbers("cost", StepCost, lambda _: costs.pop()) for _ in range(2)]
    assert measured[0](config()) == measured[1](config("seed=3")) == StepCost(0.5, 10, 100, 300, 50)
