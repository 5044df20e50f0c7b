"""`ablab new`: writes a working component from a template, to be changed."""

import keyword
import re
import sys
from importlib.machinery import PathFinder
from pathlib import Path

from ablab.bounds import NAME
from ablab.config.compose import components
from ablab.config.groups import AXES
from ablab.faults import ConfigError, unknown_name
from ablab.folders import shipped_folder
from ablab.text import format_name

_TEMPLATES = Path(__file__).parent / "templates"


def write_new(axis: str, name: str) -> list[Path]:
    """Write ``./NAME.py`` and ``./conf/AXIS/NAME.yaml``, and return their paths.

    Raises:
        ConfigError: there is no such axis, the name is invalid, or a file exists.
    """
    if axis not in AXES:
        raise ConfigError([unknown_name("axis", AXES, axis)])
    module, config = Path(f"{name}.py"), Path("conf") / axis / f"{name}.yaml"
    faults = _name_faults(axis, name) or [
        f"name must be new, got {name}: {path} exists"
        for path in (module, config, Path(name) / "__init__.py")
        if path.exists()
    ]
    if faults:
        raise ConfigError(faults)
    config.parent.mkdir(parents=True, exist_ok=True)
    for path in (module, config):
        text = (_TEMPLATES / f"{axis}{path.suffix}").read_text("utf-8")
        with path.open("x", encoding="utf-8") as file:  # never overwrite a file
            file.write(_rename(text, name))
    return [module, config]


def next_commands(axis: str, name: str) -> list[str]:
    """Return the commands to run next."""
    return [
        f"ablab list {axis} {name}",
        f"ablab train {axis}={name} trainer.max_epochs=2 --allow {name}",
    ]


def _rename(text: str, name: str) -> str:
    """Return a template with the user's name for the component."""
    camel = "".join(word.capitalize() for word in name.split("_"))
    return re.sub(r"\bmine\b", name, re.sub(r"\bMine\b", camel, text))


def _name_faults(axis: str, name: str) -> list[str]:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        rule = "lower-case letters, digits and _, starting with a letter, and no Python keyword"
        return [f"name must be {rule}, got {format_name(name)}"]
    if faults := NAME.fault("name", len(name), of=name):
        return faults
    if Path("conf").resolve() == shipped_folder("conf").resolve():
        return [f"the working folder must be one of your own, got ablab's {Path.cwd()}"]
    if name in components(axis):
        return [f"name must be new, got {name}, which is already on the axis {axis}"]
    if _is_taken(name):
        return [f"name must be new, got {name}, which is a Python module already"]
    return []


def _is_taken(name: str) -> bool:
    """Return whether a module of this name is installed, which the user's would shadow."""
    here = Path.cwd().resolve()
    elsewhere = [path for path in sys.path if Path(path).resolve() != here]
    return name in sys.stdlib_module_names or PathFinder.find_spec(name, elsewhere) is not None
