"""Modules that stand in for large ones of which others need little while they are imported."""

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class StandIn(ModuleType):
    """Stands in for a module of which others need little, until they need more of it.

    An attribute that it lacks, and a submodule, is that of the real module, which is imported then
    and takes its place. Those that hold the stand-in can use it as before.

    Args:
        name: of the module.
        attributes: what it has without the real module.
    """

    def __init__(self, name: str, **attributes: Any) -> None:
        super().__init__(name)
        self.__spec__ = ModuleSpec(name, None)
        self.__path__: list[str] = []
        self._finder, self._child = _Submodules(self), name.rpartition(".")[2]
        vars(self).update(attributes)

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the real module."""
        if name.startswith("__"):  # asked for by whatever looks through all modules
            raise AttributeError(name)
        return getattr(self.real(), name)

    def real(self) -> ModuleType:
        """Import the real module, with the other real modules of its package."""
        package = self.__name__.partition(".")[0]
        for module in list(sys.modules.values()):
            if isinstance(module, StandIn) and module.__name__.partition(".")[0] == package:
                module.leave()
        return importlib.import_module(self.__name__)

    def enter(self) -> None:
        """Take the place of the module from now on."""
        sys.modules[self.__name__] = self
        sys.meta_path.insert(0, self._finder)
        if (package := self._package()) is not None:
            setattr(package, self._child, self)  # a lookup of the attribute would import again

    def leave(self) -> None:
        """Let the next import find the real module; does nothing where that is imported."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
            sys.meta_path.remove(self._finder)
            package = self._package()
            if package is not None and vars(package).get(self._child) is self:
                delattr(package, self._child)

    def _package(self) -> ModuleType | None:
        """Return the package that the module is in, if that is imported."""
        return sys.modules.get(self.__name__.rpartition(".")[0])


class _Submodules(MetaPathFinder):
    """Imports a package itself before the first of its submodules."""

    def __init__(self, package: StandIn) -> None:
        self._package = package

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """Return where a submodule is, which the import of its package may have imported."""
        if name.rpartition(".")[0] != self._package.__name__:
            return None
        self._package.real()
        if (module := sys.modules.get(name)) is None:
            return importlib.util.find_spec(name)
        # The import that asks would run the module again, by its own spec.
        spec = ModuleSpec(name, _Existing(module))
        vars(module)["__spec__"] = spec  # modules of settings let nobody set other attributes
        return spec


class _Existing(Loader):
    """Loads a module that exists, and gives it back its own spec."""

    def __init__(self, module: ModuleType) -> None:
        self._module, self._spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__spec__"] = self._spec


class _StandInClass(type):
    module: str

    def __instancecheck__(cls, instance: object) -> bool:
        # As long as the module is not imported, nobody has an instance.
        return is_imported(cls.module) and isinstance(
            instance, getattr(sys.modules[cls.module], cls.__name__)
        )


def stand_in_class(module: str, name: str) -> type:
    """Return a class with the instances of a class of a module, which it does not import."""
    return _StandInClass(name, (), {"module": module})


def is_imported(module: str) -> bool:
    """Return whether a module itself, not only a `StandIn`, has been imported."""
    return module in sys.modules and not isinstance(sys.modules[module], StandIn)


@contextmanager
def stand_ins(modules: Sequence[StandIn]) -> Iterator[None]:
    """Let modules stand in for those that have not been imported, until the block ends."""
    added = [each for each in modules if each.__name__ not in sys.modules]
    for each in added:
        each.enter()
    try:
        yield
    finally:
        for each in added:
            each.leave()
