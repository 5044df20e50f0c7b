"""`ablab.list`: the output of the command, as a mapping."""

from pathlib import Path

import pytest

import ablab
from ablab import cli, errors


def test_axes_and_components_equal_those_of_the_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["list", "activation"]) == 0
    output = capsys.readouterr().out
    activations = ablab.list("activation")
    assert len(activations) > 10
    assert all(f"{name} " in output for name in activations)
    assert "activation" in ablab.list()
    assert list(activations.frame.name) == list(activations)
    assert "alpha=1.0" in repr(activations)


def test_entry_is_described_completely() -> None:
    assert "_target_: torch.nn.ELU" in ablab.list("activation").describe("elu")
    assert "seeds" in ablab.list("sweeps").describe("demo")
    with pytest.raises(errors.InputError, match=r"activation must be one of .* got gelo"):
        ablab.list("activation").describe("gelo")


def test_unknown_axis_is_refused() -> None:
    with pytest.raises(errors.InputError, match="did you mean activation"):
        ablab.list("activatoin")


def test_users_components_are_listed_and_their_text_is_escaped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "conf/activation").mkdir(parents=True)
    text = "# <script>alert(1)</script> $x$\n_target_: torch.nn.CELU\n"
    (tmp_path / "conf/activation/mine.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    listing = ablab.list("activation")
    assert "mine" in listing
    html = listing._repr_html_()
    assert "&lt;script&gt;alert(1)" in html
    assert "<script" not in html
    assert "mathjax_ignore" in html
