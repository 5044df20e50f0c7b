"""What there is to choose from: components, groups of settings, metrics and sweeps."""

import re
from collections.abc import Iterator
from pathlib import Path

from ablab.catalogue import listing
from ablab.config.compose import AXES, GROUPS, components, compose, sweep_names
from ablab.faults import ConfigError, one_of
from ablab.folders import lab_folder
from ablab.sweep.console.formatting import format_duration
from ablab.sweep.metrics import METRICS, Metric
from ablab.sweep.spec import SweepSpec, parse
from ablab.tracking.lab import Lab
from ablab.tracking.plan import read_plan
from ablab.tracking.spec import Settings

SETTINGS = tuple(group for group in GROUPS if group not in AXES)
_LINE = re.compile(r"^(\w+): *(.*?)(?:\s+# (.*))?$")
_ALSO = {"sweep": "sweeps", "metrics": "metric"}


def listed(name: str | None) -> Iterator[tuple[str, str]]:
    """Yield name and text: of all that there is, or of one group's members.

    Raises:
        ConfigError: there is no such group.
    """
    name = _ALSO.get(name or "", name)
    if name is None:
        *axes, sweeps = listing.listed(None)
        yield from axes
        yield from ((group, ", ".join(_members(group))) for group in SETTINGS)
        yield "metric", ", ".join(METRICS)
        yield sweeps
    elif name == "metric":
        yield from ((metric, _told(METRICS[metric])) for metric in METRICS)
    elif name in SETTINGS:
        yield from _members(name).items()
    elif name in AXES or name == "sweeps":
        yield from listing.listed(name)
    else:
        raise ConfigError([one_of("axis", (*AXES, *SETTINGS, "metric", "sweeps"), name)])


def shown(group: str, name: str) -> str:
    """Return all that there is to say of one member of a group.

    Raises:
        ConfigError: there is no such group or member.
    """
    group = _ALSO.get(group, group)
    if group in AXES:
        return listing.shown(group, name)
    known = {"sweeps": sweep_names(), "metric": METRICS}.get(group)
    members = dict(listed(group)) if known is None else known
    if name not in members:
        raise ConfigError([one_of(group, members, name)])
    if group == "sweeps":
        return _sweep(name)
    if group == "metric":
        return f"{name}: {_told(METRICS[name])}"
    files = components(group)
    if name in files:
        return f"{files[name]}\n\n{files[name].read_text('utf-8').strip()}"
    return f"{group}.{name}={_members(group)[name]}"


def _members(group: str) -> dict[str, str]:
    """Return the choices of a group of settings, or the settings of one that has no choice."""
    files = components(group)
    if len(files) == 1:
        return _settings(*files.values())
    return {name: _choice(path) for name, path in files.items()}


def _choice(path: Path) -> str:
    first = path.read_text("utf-8").splitlines()[0].removeprefix("#").strip()
    values = ", ".join(f"{k}={v.partition('  # ')[0]}" for k, v in _settings(path).items())
    return f"{first}\n{values}"


def _settings(path: Path) -> dict[str, str]:
    lines = (_LINE.match(line) for line in path.read_text("utf-8").splitlines())
    return {m[1]: m[2] + (f"  # {m[3]}" if m[3] else "") for m in lines if m and m[1] != "_target_"}


def _told(metric: Metric) -> str:
    better = "higher" if metric.goal == "max" else "lower"
    return f"{metric.unit}; goal {metric.goal} ({better} is better)\n{metric.meaning}"


def _sweep(name: str) -> str:
    """Return a sweep's question, what it compares, and what it costs as far as that is known."""
    spec = parse(compose(sweep=name).sweep)
    better = "higher" if spec.goal == "max" else "lower"
    environment = {
        "question": spec.question,
        "kind": spec.kind,
        "metric": f"{spec.metric}, {better} is better",
        "baseline": spec.baseline,
        "margin": "" if spec.margin is None else str(spec.margin),
        "target": "" if spec.target is None else f"{spec.target} validation accuracy",
        "variants": "\n".join(_named(n, s) for n, s in spec.variants.items()),
        "blocks": "\n".join(_named(n, s) for n, s in spec.blocks.items()),
        "left out": "\n".join(f"{_set(s)}: {reason}" for s, reason in spec.exclude),
        "seeds": ", ".join(map(str, spec.seeds)),
        "trials": _trials(spec),
        "cost": _cost(name),
        "next": f"ablab sweep {name}",
    }
    lines = (f"{k:<9} " + v.replace("\n", "\n" + " " * 10) for k, v in environment.items() if v)
    return f"{sweep_names()[name]}\n\n" + "\n".join(lines)


def _named(name: str, settings: Settings) -> str:
    told = _set(settings)
    return name if not settings or name in map(str, settings.values()) else f"{name}: {told}"


def _set(settings: Settings) -> str:
    return ", ".join(f"{key}={value}" for key, value in settings.items())


def _trials(spec: SweepSpec) -> str:
    count = len(spec.variants) * max(1, len(spec.blocks)) * len(spec.seeds)
    return f"{count} at most" if spec.exclude else str(count)


def _cost(name: str) -> str:
    """Return what the trials of a sweep's plan in this lab took, or how to find out."""
    lab = Lab(lab_folder())
    plan = read_plan(lab.sweep_folder(name))
    cells = plan.cells if plan else ()
    runs = [[t.completion for t in lab.runs(cell.key)] for cell in cells]
    seconds = [
        done[-1].measured["time/total_seconds"]
        for found in runs
        if (done := [c for c in found if c and "time/total_seconds" in c.measured])
    ]
    if not seconds:
        return f"not known here yet; `ablab sweep {name} --dry-run` measures it"
    mean = sum(seconds) / len(seconds)
    return (
        f"{len(seconds)} of {len(cells)} trials are finished in this lab, "
        f"{format_duration(mean)} each; {format_duration(mean * len(cells))} of training in all"
    )
