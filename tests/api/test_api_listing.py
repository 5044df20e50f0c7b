"""`ablab.list`: what the command lists, as a mapping."""

from pathlib import Path

import pytest

import ablab
from ablab import cli, errors


def test_axes_and_their_components_are_those_of_the_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["list", "activation"]) == 0
    told = capsys.readouterr().out
    activations = ablab.list("activation")
    assert len(activations) > 10
    assert all(f"{name} " in told for name in activations)
    assert "activation" in ablab.list()
    assert list(activations.frame.name) == list(activations)
    assert "alpha=1.0" in repr(activations)


def test_a_member_is_described_whole() -> None:
    assert "_target_: torch.nn.ELU" in ablab.list("activation").describe("elu")
    assert "seeds" in ablab.list("sweeps").describe("demo")
    with pytest.raises(errors.InputError, match=r"activation must be one of .* got gelo"):
        ablab.list("activation").describe("gelo")


def test_no_such_axis_is_refused() -> None:
    with pytest.raises(errors.InputError, match="did you mean activation"):
        ablab.list("activatoin")


def test_users_components_are_listed_and_their_text_is_no_markup(
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
