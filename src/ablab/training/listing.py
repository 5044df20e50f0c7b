"""What there is to choose from: axes, components, sweeps, each with the line it is known by."""

from collections.abc import Iterator
from pathlib import Path

from omegaconf import OmegaConf

from ablab.training.compose import AXES, components, sweep_names
from ablab.training.faults import ConfigError, one_of


def listed(axis: str | None) -> Iterator[tuple[str, str]]:
    """Yield name and description: of the axes, of an axis's components, or of ``sweeps``.

    Raises:
        ConfigError: there is no such axis.
    """
    if axis is None:
        yield from ((name, ", ".join(components(name))) for name in AXES)
        yield "sweeps", ", ".join(sweep_names())
    elif axis == "sweeps":
        yield from ((name, _question(path)) for name, path in sweep_names().items())
    elif axis in AXES:
        yield from ((name, _comment(path)) for name, path in components(axis).items())
    else:
        raise ConfigError([one_of("axis", (*AXES, "sweeps"), axis)])


def _comment(path: Path) -> str:
    first = path.read_text("utf-8").partition("\n")[0]
    return first.removeprefix("#").strip() if first.startswith("#") else ""


def _question(path: Path) -> str:
    return str(OmegaConf.select(OmegaConf.load(path), "sweep.question") or "")
