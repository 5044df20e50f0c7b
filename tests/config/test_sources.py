"""The key includes the source of every module of the user's that a trial imports."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from train_process import train_in_subprocess

from ablab.config.compose import compose
from ablab.config.sources import source_hashes
from ablab.config.trial import key_of
from ablab.errors import InputError
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run

CONFIG = {**compose().resolved(), "activation": {"_target_": "mine.Mine"}}
MINE = (
    "from torch import nn\n{imports}\nclass Mine(nn.ReLU):\n    def later(self):\n        {late}\n"
)


@pytest.fixture
def write(tmp_path: Path, mine: Callable[[str], Path]) -> Iterator[Callable[..., None]]:
    """Write modules into the working folder, and drop their imports, as a new Python would."""
    written: list[str] = []

    def forget() -> None:
        for name in [n for n in list(sys.modules) if n.partition(".")[0] in written]:
            del sys.modules[name]

    def write(imports: str = "", late: str = "pass", **files: str) -> None:
        for name, source in files.items():
            path = (tmp_path / name.replace("__", "/")).with_suffix(".py")
            path = path.with_name("__init__.py") if path.stem == "init" else path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
            written.append(name.partition("__")[0])
        forget()
        mine(MINE.format(imports=imports, late=late))

    yield write
    forget()


def sources() -> dict[str, str]:
    return source_hashes(CONFIG)


@pytest.mark.parametrize(
    "code",
    [
        {"imports": "import helper"},
        {"imports": "import helper as h"},
        {"imports": "from helper import *"},
        {"imports": "try:\n    from helper import value\nexcept ImportError: pass"},
        {"imports": "import importlib\nimportlib.import_module('helper')"},
        {"late": "import helper"},
        {"late": "from helper import value"},
        {"late": "__import__('helper')"},
    ],
)
def test_edited_helper_changes_the_key(write: Callable, code: dict[str, str]) -> None:
    write(helper="value = 1", **code)
    first = sources()
    assert first.keys() == {"mine.Mine", "helper.py"}
    write(helper="value = 2", **code)
    second = sources()
    assert second["mine.Mine"] == first["mine.Mine"]
    assert second["helper.py"] != first["helper.py"]
    assert key_of(CONFIG, "data", second) != key_of(CONFIG, "data", first)


@pytest.mark.parametrize(
    ("imports", "files", "expected"),
    [
        ("import a", {"a": "import b", "b": "import a"}, {"a.py", "b.py"}),
        ("import p.part", {"p__init": "x = 1", "p__part": ""}, {"p/__init__.py"}),
        (
            "from p import part",
            {"p__init": "", "p__part": "from . import other", "p__other": "x = 1"},
            {"p/part.py", "p/other.py"},
        ),
        (
            "from p import *",
            {"p__init": "__all__ = ['part']", "p__part": "from .q.deep import x"}
            | {"p__q__deep": "from ..q import near\nx = 1", "p__q__near": "y = 1"},
            {"p/__init__.py", "p/part.py", "p/q/deep.py", "p/q/near.py"},
        ),
        ("import space.part", {"space__part": "x = 1"}, {"space/part.py"}),
        (
            "try: import broken\nexcept SyntaxError: pass",
            {"broken": "import helper\n)", "helper": "x = 1"},
            {"broken.py"},
        ),
        ("import numpy, json, torch, ablab.streams, near", {"near": "x = 1"}, {"near.py"}),
        ("if False: import nowhere.at_all", {}, set()),
    ],
)
def test_all_imported_modules_count_except_installed_ones(
    write: Callable, imports: str, files: dict[str, str], expected: set[str]
) -> None:
    write(imports, **files)
    assert sources().keys() == {"mine.Mine", *expected}


def test_editable_installation_is_the_users(
    write: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("import elsewhere.part", elsewhere__part="x = 1")
    (tmp_path / "src").mkdir()
    (tmp_path / "elsewhere").rename(tmp_path / "src" / "elsewhere")
    monkeypatch.syspath_prepend(tmp_path / "src")
    assert sources().keys() == {"mine.Mine", "elsewhere/part.py"}
    installed = tmp_path / "venv" / "site-packages"
    installed.parent.mkdir()
    (tmp_path / "src").rename(installed)
    write("import elsewhere.part")
    monkeypatch.setattr(sys, "path", [str(installed), *sys.path])
    sys.modules.pop("elsewhere.part", None)
    sys.modules.pop("elsewhere", None)
    assert sources().keys() == {"mine.Mine"}


def test_moved_folder_changes_nothing(
    write: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"p__init": "from .part import x", "p__part": "x = 1"}
    write("import p", **files)
    before = sources()
    (tmp_path / "there").mkdir()
    for name in ("mine.py", "p", "conf"):
        (tmp_path / name).rename(tmp_path / "there" / name)
    monkeypatch.chdir(tmp_path / "there")
    for name in ("mine", "p", "p.part"):
        sys.modules.pop(name, None)
    assert sources() == before
    assert "there" in str(sys.modules["mine"].__file__)


def test_file_edited_after_its_import_is_refused(write: Callable, tmp_path: Path) -> None:
    write("import helper", helper="value = 1")
    sources()
    (tmp_path / "helper.py").write_text("value = 2")
    with pytest.raises(InputError, match=r"helper.py must be as it was when this Python imported"):
        sources()
    del sys.modules["helper"]
    assert sources()["helper.py"]


def test_module_without_a_file_is_refused(write: Callable, mine: Callable) -> None:
    write()
    mine("from torch import nn\nexec('class Mine(nn.ReLU): pass')\nMine.__module__ = 'mine'\n")
    assert sources().keys() == {"mine.Mine"}
    sys.modules["mine"].__dict__.pop("__file__")
    with pytest.raises(InputError, match=r"mine.Mine must be defined in a file"):
        sources()


def test_helper_edited_since_the_plan_is_refused_by_name(
    begin: Callable[..., Run], write: Callable, tmp_path: Path, lab: Lab
) -> None:
    write("import helper", helper="value = 1")
    run = begin("activation=mine", "trainer.max_epochs=1")
    (tmp_path / "helper.py").write_text("value = 2")
    assert train_in_subprocess(run) == 1
    error = run.entries()[-1].note["error"]
    assert "helper.py must be as it was when the trial was planned" in error
    assert "mine.Mine" not in error
    (tmp_path / "helper.py").write_text("value = 1")
    assert train_in_subprocess(run) == 0
