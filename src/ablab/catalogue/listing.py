"""The components of an axis, read from their YAML and source files without importing them."""

import inspect
import re
from dataclasses import dataclass
from pathlib import Path

from ablab.catalogue.docstrings import docstring, summary
from ablab.config.compose import components
from ablab.config.groups import AXES
from ablab.config.yaml_file import read_text
from ablab.faults import ConfigError, unknown_name

LINE = re.compile(r"^(\w+): *(.*?)(?:\s+# (.*))?$")  # key: value  # comment


@dataclass(frozen=True)
class Component:
    """Stores what the YAML and the docstring of a component say; nothing is imported.

    Attributes:
        axis: the axis.
        name: stem of the YAML.
        path: the YAML.
        source: its first line, the comment.
        target: its ``_target_``.
        hyperparameters: their values, as written in the YAML.
        comments: their comments in the YAML.
        doc: docstring of the target; empty for torch's.
    """

    axis: str
    name: str
    path: Path
    source: str
    target: str
    hyperparameters: dict[str, str]
    comments: dict[str, str]
    doc: str

    @property
    def lines(self) -> list[str]:
        """Its summary and its hyper-parameters, a line each."""
        settings = ", ".join(f"{key}={value}" for key, value in self.hyperparameters.items())
        return [line for line in (summary(self.doc) or self.target, settings) if line]


def of_axis(axis: str) -> list[Component]:
    """Return an axis's components, the user's own included."""
    return [_read(axis, *item) for item in components(axis).items()]


def describe_component(axis: str, name: str) -> str:
    """Return the YAML and the docstring of a component.

    Raises:
        ConfigError: there is no such axis or component.
    """
    if axis not in AXES:
        raise ConfigError([unknown_name("axis", AXES, axis)])
    known = components(axis)
    if name not in known:
        raise ConfigError([unknown_name(axis, known, name)])
    component = _read(axis, name, known[name])
    doc = component.doc or _torch_doc(component)
    return f"{component.path}\n\n{read_text(component.path).strip()}\n\n{doc}".rstrip()


def _torch_doc(component: Component) -> str:
    """Return the docstring of a torch target, empty for other modules, which are not imported."""
    if not component.target.startswith("torch."):
        return ""
    from ablab.model.targets import TargetError, resolve  # imports torch

    try:
        return inspect.getdoc(resolve(component.axis, component.target)) or ""
    except TargetError as error:
        return f"{component.axis}._target_ {error}"


def _read(axis: str, name: str, path: Path) -> Component:
    first, *rest = read_text(path).splitlines() or [""]
    matches = [match for line in (first, *rest) if (match := LINE.match(line))]
    values = {match[1]: match[2] for match in matches}
    target = values.pop("_target_", "")
    return Component(
        axis=axis,
        name=name,
        path=path,
        source=first.removeprefix("#").strip() if first.startswith("#") else "",
        target=target,
        hyperparameters=values,
        comments={match[1]: match[3] for match in matches if match[3] and match[1] != "_target_"},
        doc="" if target.startswith("torch.") else docstring(target),
    )
