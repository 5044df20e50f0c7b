"""What there is to choose from: axes, components, sweeps, each with the line it is known by."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ablab.catalogue.docstrings import docstring, summary
from ablab.config.compose import AXES, components, sweep_names
from ablab.config.yaml_file import read_text, read_yaml
from ablab.faults import ConfigError, one_of

_LINE = re.compile(r"^(\w+): *(.*?)(?:\s+# (.*))?$")


@dataclass(frozen=True)
class Component:
    """A component as its YAML and its source tell it; nothing of it is imported.

    Attributes:
        axis: the axis.
        name: stem of the YAML.
        path: the YAML.
        source: its first line, the comment.
        target: its ``_target_``.
        hyperparameters: what it sets, as written there.
        comments: what it says of them.
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
        """What it is, and its hyper-parameters: what the list says besides the source."""
        settings = ", ".join(f"{key}={value}" for key, value in self.hyperparameters.items())
        return [line for line in (summary(self.doc) or self.target, settings) if line]


def listed(axis: str | None) -> Iterator[tuple[str, str]]:
    """Yield name and text: of the axes, of an axis's components, or of ``sweeps``.

    A component's text has a line for its source, what it is, and its hyper-parameters.

    Raises:
        ConfigError: there is no such axis.
    """
    if axis is None:
        yield from ((name, ", ".join(components(name))) for name in AXES)
        yield "sweeps", ", ".join(sweep_names())
    elif axis == "sweeps":
        yield from ((name, _question(path)) for name, path in sweep_names().items())
    elif axis in AXES:
        for each in of_axis(axis):
            yield each.name, "\n".join([each.source, *each.lines])
    else:
        raise ConfigError([one_of("axis", (*AXES, "sweeps"), axis)])


def of_axis(axis: str) -> list[Component]:
    """Return an axis's components, the user's own included."""
    return [_read(axis, *item) for item in components(axis).items()]


def shown(axis: str, name: str) -> str:
    """Return all that there is to say of one component: its YAML and its docstring.

    Raises:
        ConfigError: there is no such axis or component.
    """
    if axis not in AXES:
        raise ConfigError([one_of("axis", AXES, axis)])
    known = components(axis)
    if name not in known:
        raise ConfigError([one_of(axis, known, name)])
    component = _read(axis, name, known[name])
    doc = component.doc or _torchs(component)
    return f"{component.path}\n\n{read_text(component.path).strip()}\n\n{doc}".rstrip()


def _torchs(component: Component) -> str:
    """Return torch's docstring; that of a module which is not torch's is left alone."""
    if not component.target.startswith("torch."):
        return ""
    from ablab.model.targets import TargetError, resolve  # with torch

    try:
        return inspect.getdoc(resolve(component.axis, component.target)) or ""
    except TargetError as error:
        return f"{component.axis}._target_ {error}"


def _read(axis: str, name: str, path: Path) -> Component:
    first, *rest = read_text(path).splitlines() or [""]
    found = [match for line in (first, *rest) if (match := _LINE.match(line))]
    values = {match[1]: match[2] for match in found}
    target = values.pop("_target_", "")
    return Component(
        axis=axis,
        name=name,
        path=path,
        source=first.removeprefix("#").strip() if first.startswith("#") else "",
        target=target,
        hyperparameters=values,
        comments={match[1]: match[3] for match in found if match[3] and match[1] != "_target_"},
        doc="" if target.startswith("torch.") else docstring(target),
    )


def _question(path: Path) -> str:
    sweep = read_yaml(path).get("sweep")
    return str(sweep.get("question", "")) if isinstance(sweep, dict) else ""
