"""`ablab.compare`: the sentences and numbers of the page of the command."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "report"))

from labwriter import LabWriter

import ablab
from ablab import errors
from ablab.api.sweeping import SweepResult

A = {"relu": [0.50, 0.52, 0.54, 0.53], "elu <b>": [0.60, 0.61, 0.63, 0.60]}
B = {"relu": [0.70, 0.71, 0.74, 0.72], "elu <b>": [0.61, 0.60, 0.63, 0.61]}


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A lab with the sweep ``before``, beside another one with ``after``."""
    LabWriter(tmp_path / "there").sweep(B, name="after")
    writer = LabWriter(tmp_path / "here")
    writer.sweep(A, name="before")
    return writer.lab.root


def after(lab: Path) -> str:
    return f"{lab.parent / 'there'}:after"


def test_sentence_table_and_html_agree(lab: Path) -> None:
    comparison = ablab.compare("before", after(lab), lab=lab)
    table = comparison.table.set_index("variant")
    assert table.loc["relu", "difference"] == pytest.approx(0.195)
    assert table.loc["relu", "ci95_low"] < 0.195 < table.loc["relu", "ci95_high"]
    assert table.loc["relu", "p_holm"] < 0.01
    assert list(table.n) == [4, 3]  # the third trial of elu is shared
    assert list(table.shared) == [0, 1]
    assert "relu rises by" in comparison.sentence
    html = comparison._repr_html_()
    assert "relu rises by" in html
    assert "<b>" not in html
    assert "&lt;b&gt;" in html


def test_sweep_results_are_compared_in_their_own_labs(lab: Path, tmp_path: Path) -> None:
    from ablab.tracking.lab import Lab

    a, b = SweepResult("before", Lab(lab)), SweepResult("after", Lab(lab.parent / "there"))
    assert ablab.compare(a, b, lab=tmp_path / "none").sentence == (
        ablab.compare("before", after(lab), lab=lab).sentence
    )


def test_gate_decides_as_the_command_does(lab: Path) -> None:
    comparison = ablab.compare("before", after(lab), lab=lab)
    assert comparison.gate("different").failed
    assert not comparison.gate("worse", margin=0.01).failed
    assert "relu" in comparison.gate("different").line
    with pytest.raises(errors.InputError, match="--fail-if must be one of"):
        comparison.gate()


def test_page_is_written_to_the_given_folder(lab: Path, tmp_path: Path) -> None:
    page = ablab.compare("before", after(lab), lab=lab).write(tmp_path / "out")
    assert page == tmp_path / "out/compare.html"
    assert page.is_file()


def test_missing_sweep_is_refused(lab: Path) -> None:
    with pytest.raises(errors.InputError, match="before"):
        ablab.compare("before", "nothing", lab=lab)
    with pytest.raises(errors.InputError, match="sweep must be a name"):
        ablab.compare("before", 3, lab=lab)  # type: ignore[arg-type]
