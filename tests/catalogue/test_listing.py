"""`ablab list`: what each component is, without importing any."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from ablab import cli
from ablab.catalogue import docstrings
from ablab.catalogue.listing import of_axis
from ablab.catalogue.lists import describe, list_members
from ablab.config.groups import AXES
from ablab.faults import ConfigError
from ablab.model.targets import resolve


@pytest.mark.parametrize("axis", AXES)
def test_a_component_is_listed_as_in_its_yaml(axis: str) -> None:
    components = of_axis(axis)
    assert components
    for each in components:
        node = yaml.safe_load(each.path.read_text("utf-8"))
        assert each.target == node.pop("_target_")
        written = {key: yaml.safe_load(text) for key, text in each.hyperparameters.items()}
        assert written == node, each.path
        assert each.source, each.path


@pytest.mark.parametrize("axis", AXES)
def test_docstrings_equal_those_of_an_import(axis: str) -> None:
    for each in of_axis(axis):
        if not each.target.startswith("torch."):
            text = (resolve(axis, each.target).__doc__ or "").split()
            assert each.doc.split() == text, each.name
            assert docstrings.section(each.doc, "Source"), each.name


def test_argument_descriptions_are_read_from_the_docstring() -> None:
    (mape,) = (c for c in of_axis("loss") if c.name == "mape")
    assert set(docstrings.meanings(mape.doc)) == {"output", "floor"}
    assert docstrings.paragraphs(mape.doc)[0].startswith("The absolute error as a share")


def test_the_list_imports_no_heavy_package(tmp_path: Path) -> None:
    code = (
        "import sys; from ablab.cli import main; main(['list', 'optimizer'])\n"
        "sys.exit(' '.join({'torch', 'mlflow', 'matplotlib'} & set(sys.modules)) or 0)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    index = next(i for i, line in enumerate(lines) if line.startswith("lion  "))
    assert lines[index].endswith("arXiv:2302.06675")
    assert lines[index + 1].split()[0] == "Moves"
    assert "lr=0.0001, betas=[0.9, 0.99]" in lines[index + 2]


def test_a_users_component_is_listed_without_running_it(
    mine: Callable[[str], Path],
) -> None:
    mine('raise SystemExit\nclass Mine:\n    """Bends it.\n\n    Source: me.\n    """\n')
    assert ("mine", "\nBends it.") in set(list_members("activation"))
    assert "Source: me." in describe("activation", "mine")


def test_a_description_has_yaml_and_docstring() -> None:
    text = describe("activation", "elu")
    assert "alpha: 1.0  # > 0" in text
    assert "Exponential Linear Unit" in text
    assert "Source: Chen et al. 2023" in describe("optimizer", "lion")


def test_an_unknown_component_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"did you mean elu\?"):
        describe("activation", "eluu")
    with pytest.raises(ConfigError, match=r"did you mean activation\?"):
        describe("activations", "elu")


def test_the_command_describes_one_component(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", "loss", "mape"]) == 0
    assert "_target_: ablab.components.loss.mape.MAPE" in capsys.readouterr().out
