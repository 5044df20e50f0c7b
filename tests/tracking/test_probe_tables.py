"""The table of a run's probes, read as written."""

import math
from pathlib import Path

import pytest

from ablab.tracking.probes import read_probes
from ablab.training.probes.table import Table


def test_a_table_is_read_as_written(tmp_path: Path) -> None:
    table = Table(tmp_path / "probes.csv")
    table.append(0, {"conv, 1": {"gradient_norm": 0.5, "dead": 0.0}, "head": {"dead": 0.25}})
    table.append(1, {"conv, 1": {"gradient_norm": math.inf}, "head": {"dead": 0.125}})
    values = read_probes(tmp_path)
    assert values["gradient_norm"] == {"conv, 1": (0.5, math.inf)}
    assert list(values["dead"]) == ["conv, 1", "head"]
    assert values["dead"]["head"] == (0.25, 0.125)
    assert math.isnan(values["dead"]["conv, 1"][1])


def test_a_run_without_probes_has_none(tmp_path: Path) -> None:
    assert read_probes(tmp_path) == {}


def test_another_table_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "probes.csv").write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(ValueError, match="must start with epoch,layer,probe,value, got a,b"):
        read_probes(tmp_path)
