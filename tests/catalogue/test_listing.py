"""`ablab list`: what each component is, without importing any."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from ablab import cli
from ablab.catalogue import docstrings
from ablab.catalogue.listing import listed, of_axis, shown
from ablab.config.compose import AXES
from ablab.faults import ConfigError
from ablab.model.targets import resolve


@pytest.mark.parametrize("axis", AXES)
def test_a_component_is_listed_as_its_yaml_has_it(axis: str) -> None:
    components = of_axis(axis)
    assert components
    for each in components:
        node = yaml.safe_load(each.path.read_text("utf-8"))
        assert each.target == node.pop("_target_")
        written = {key: yaml.safe_load(text) for key, text in each.hyperparameters.items()}
        assert written == node, each.path
        assert each.source, each.path


@pytest.mark.parametrize("axis", AXES)
def test_docstrings_are_those_that_an_import_gives(axis: str) -> None:
    for each in of_axis(axis):
        if not each.target.startswith("torch."):
            text = (resolve(axis, each.target).__doc__ or "").split()
            assert each.doc.split() == text, each.name
            assert docstrings.section(each.doc, "Source"), each.name


def test_arguments_that_a_docstring_explains_are_among_the_signatures() -> None:
    (elastic,) = (c for c in of_axis("loss") if c.name == "mape")
    assert set(docstrings.meanings(elastic.doc)) == {"output", "floor"}
    assert docstrings.paragraphs(elastic.doc)[0].startswith("The absolute error as a share")


def test_the_list_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from ablab.cli import main; main(['list', 'optimizer'])\n"
        "sys.exit(' '.join({'torch', 'mlflow', 'matplotlib'} & set(sys.modules)) or 0)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("lion  "))
    assert lines[place].endswith("arXiv:2302.06675")
    assert lines[place + 1].split()[0] == "Moves"
    assert "lr=0.0001, betas=[0.9, 0.99]" in lines[place + 2]


def test_a_component_of_the_users_is_listed_without_running_it(
    mine: Callable[[str], Path],
) -> None:
    mine('raise SystemExit\nclass Mine:\n    """Bends it.\n\n    Source: me.\n    """\n')
    assert ("mine", "\nBends it.") in set(listed("activation"))
    assert "Source: me." in shown("activation", "mine")


def test_a_component_is_shown_with_yaml_and_docstring() -> None:
    told = shown("activation", "elu")
    assert "alpha: 1.0  # > 0" in told
    assert "Exponential Linear Unit" in told
    assert "Source: Chen et al. 2023" in shown("optimizer", "lion")


def test_what_is_not_there_is_told_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"did you mean elu\?"):
        shown("activation", "eluu")
    with pytest.raises(ConfigError, match=r"did you mean activation\?"):
        shown("activations", "elu")


def test_the_command_shows_one_component(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", "loss", "mape"]) == 0
    assert "_target_: ablab.components.loss.mape.Mape" in capsys.readouterr().out
