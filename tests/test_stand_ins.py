"""Modules stand in for others until more of those is used."""

import importlib.util
import sys
from importlib import import_module
from itertools import count
from pathlib import Path

import pytest

from ablab.stand_ins import StandIn, is_imported, stand_in_class, stand_ins

NUMBERS = count()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a package `…` with modules `….early`, which it imports, and `….late`."""
    name = f"package_{next(NUMBERS)}"
    (tmp_path / name).mkdir()
    once = "import builtins\nassert not hasattr(builtins, f'{__name__} ran')\n"
    once += "setattr(builtins, f'{__name__} ran', True)\n"
    init = f"{once}from {name} import early\nclass Kind: ...\nnumber = 1\n"
    (tmp_path / name / "__init__.py").write_text(init)
    for module in ("early", "late"):
        (tmp_path / name / f"{module}.py").write_text(f"{once}number = 2\nother = None\n")
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_a_stand_in_has_what_was_given_without_an_import(package: str):
    with stand_ins([StandIn(package, number=7)]):
        module = import_module(package)
        assert module.number == 7
        assert not is_imported(package)
    assert package not in sys.modules
    assert import_module(package).number == 1
    assert is_imported(package)


def test_a_stand_in_imports_the_module_for_anything_else(package: str):
    with stand_ins([StandIn(package, number=7)]):
        held = import_module(package)
        assert held.Kind.__module__ == package
        assert import_module(package).number == 1
    assert held.Kind is import_module(package).Kind
    assert held.number == 7
    with pytest.raises(AttributeError, match="absent"):
        held.absent  # noqa: B018


@pytest.mark.parametrize("child", ["early", "late"])
def test_a_submodule_is_that_of_the_real_package_and_runs_once(package: str, child: str):
    stand_in = StandIn(package)
    stand_in.enter()
    finders = len(sys.meta_path)
    submodule = import_module(f"{package}.{child}")
    assert len(sys.meta_path) == finders - 1
    assert is_imported(package)
    assert submodule is getattr(import_module(package), child) is sys.modules[submodule.__name__]
    assert submodule.__spec__.origin == submodule.__file__
    assert importlib.util.find_spec(submodule.__name__) is submodule.__spec__


def test_a_submodule_that_does_not_exist_is_not_found(package: str):
    StandIn(package).enter()
    with pytest.raises(ModuleNotFoundError, match=f"{package}.absent"):
        import_module(f"{package}.absent")
    assert is_imported(package)


def test_all_stand_ins_of_a_package_leave_together(package: str):
    with stand_ins([StandIn(package), StandIn(f"{package}.early", number=7)]):
        assert import_module(f"{package}.early").number == 7
        assert import_module(package).early.number == 7
        assert import_module(package).number == 1
        assert import_module(f"{package}.early").number == 2


def test_an_attribute_of_an_imported_package_stands_in_and_leaves_with_it(package: str):
    parent = import_module(package)
    with stand_ins([StandIn(f"{package}.late", number=7)]):
        assert parent.late.number == 7
    assert not hasattr(parent, "late")
    with stand_ins([StandIn(f"{package}.late", number=7)]):
        assert parent.late.__doc__ is None
        assert import_module(f"{package}.late").other is None
    assert parent.late.number == 2


def test_an_imported_module_is_not_replaced(package: str):
    module = import_module(package)
    with stand_ins([StandIn(package, number=7)]):
        assert import_module(package) is module
    assert import_module(package) is module


def test_stand_in_class_has_the_instances_of_the_class(package: str):
    kind = stand_in_class(package, "Kind")
    assert not isinstance(1, kind)
    with stand_ins([StandIn(package)]):
        assert not isinstance(1, kind)
    module = import_module(package)
    assert isinstance(module.Kind(), kind)
    assert not isinstance(1, kind)
