"""Lists and descriptions of components, groups of settings, metrics and sweeps."""

from collections.abc import Iterator
from pathlib import Path

from ablab.catalogue.listing import LINE, describe_component, of_axis
from ablab.config.compose import components, compose, sweep_names
from ablab.config.groups import AXES, GROUPS
from ablab.config.yaml_file import read_yaml
from ablab.faults import ConfigError, unknown_name
from ablab.folders import lab_folder
from ablab.formatting import format_duration
from ablab.sweep.spec import SweepSpec, parse
from ablab.tracking.lab import Lab
from ablab.tracking.metrics import METRICS, Metric
from ablab.tracking.plan import read_plan
from ablab.tracking.spec import Settings

SETTINGS = tuple(group for group in GROUPS if group not in AXES)
_ALIASES = {"sweep": "sweeps", "metrics": "metric"}


def list_members(name: str | None) -> Iterator[tuple[str, str]]:
    """Yield name and text of all groups, or of the members of one group.

    A component's text has a line for its source, its summary, and its hyper-parameters.

    Raises:
        ConfigError: there is no such group.
    """
    name = _ALIASES.get(name or "", name)
    if name is None:
        yield from ((axis, ", ".join(components(axis))) for axis in AXES)
        yield from ((group, ", ".join(_members(group))) for group in SETTINGS)
        yield "metric", ", ".join(METRICS)
        yield "sweeps", ", ".join(sweep_names())
    elif name == "metric":
        yield from ((metric, _describe_metric(METRICS[metric])) for metric in METRICS)
    elif name in SETTINGS:
        yield from _members(name).items()
    elif name == "sweeps":
        yield from ((sweep, _question(path)) for sweep, path in sweep_names().items())
    elif name in AXES:
        yield from ((c.name, "\n".join([c.source, *c.lines])) for c in of_axis(name))
    else:
        raise ConfigError([unknown_name("axis", (*AXES, *SETTINGS, "metric", "sweeps"), name)])


def describe(group: str, name: str) -> str:
    """Return the full description of one member of a group.

    Raises:
        ConfigError: there is no such group or member.
    """
    group = _ALIASES.get(group, group)
    if group in AXES:
        return describe_component(group, name)
    known = {"sweeps": sweep_names(), "metric": METRICS}.get(group)
    members = dict(list_members(group)) if known is None else known
    if name not in members:
        raise ConfigError([unknown_name(group, members, name)])
    if group == "sweeps":
        return _describe_sweep(name)
    if group == "metric":
        return f"{name}: {_describe_metric(METRICS[name])}"
    files = components(group)
    if name in files:
        return f"{files[name]}\n\n{files[name].read_text('utf-8').strip()}"
    return f"{group}.{name}={_members(group)[name]}"


def _members(group: str) -> dict[str, str]:
    """Return the choices of a group of settings, or its settings where there is one choice."""
    files = components(group)
    if len(files) == 1:
        return _settings(*files.values())
    return {name: _choice(path) for name, path in files.items()}


def _choice(path: Path) -> str:
    first = path.read_text("utf-8").splitlines()[0].removeprefix("#").strip()
    values = ", ".join(f"{k}={v.partition('  # ')[0]}" for k, v in _settings(path).items())
    return f"{first}\n{values}"


def _settings(path: Path) -> dict[str, str]:
    lines = (LINE.match(line) for line in path.read_text("utf-8").splitlines())
    return {m[1]: m[2] + (f"  # {m[3]}" if m[3] else "") for m in lines if m and m[1] != "_target_"}


def _describe_metric(metric: Metric) -> str:
    better = "higher" if metric.goal == "max" else "lower"
    needs = f"; needs {metric.needs}" if metric.needs else ""
    return f"{metric.unit}; goal {metric.goal} ({better} is better){needs}\n{metric.meaning}"


def _describe_sweep(name: str) -> str:
    """Return a sweep's question, its variants, and its cost so far as it is known."""
    spec = parse(compose(sweep=name).sweep)
    better = "higher" if spec.goal == "max" else "lower"
    fields = {
        "question": spec.question,
        "kind": spec.kind,
        "metric": f"{spec.metric}, {better} is better",
        "baseline": spec.baseline,
        "margin": "" if spec.margin is None else str(spec.margin),
        "target": "" if spec.target is None else f"{spec.target} validation accuracy",
        "variants": "\n".join(_format_variant(n, s) for n, s in spec.variants.items()),
        "blocks": "\n".join(_format_variant(n, s) for n, s in spec.blocks.items()),
        "left out": "\n".join(f"{_format_settings(s)}: {reason}" for s, reason in spec.exclude),
        "seeds": str(spec.looks or ", ".join(map(str, spec.seeds))),
        "trials": _num_trials(spec),
        "cost": _cost(name),
        "next": f"ablab sweep {name}",
    }
    lines = (f"{k:<9} " + v.replace("\n", "\n" + " " * 10) for k, v in fields.items() if v)
    return f"{sweep_names()[name]}\n\n" + "\n".join(lines)


def _format_variant(name: str, settings: Settings) -> str:
    if not settings or name in map(str, settings.values()):
        return name
    return f"{name}: {_format_settings(settings)}"


def _format_settings(settings: Settings) -> str:
    return ", ".join(f"{key}={value}" for key, value in settings.items())


def _num_trials(spec: SweepSpec) -> str:
    count = len(spec.variants) * max(1, len(spec.blocks)) * len(spec.seeds)
    return f"{count} at most" if spec.exclude or spec.looks else str(count)


def _cost(name: str) -> str:
    """Return the time that the trials of a sweep in this lab took, or how to measure it."""
    lab = Lab(lab_folder())
    plan = read_plan(lab.sweep_folder(name))
    cells = plan.cells if plan else ()
    completions = [[run.completion for run in lab.runs(cell.key)] for cell in cells]
    seconds = [
        done[-1].measured["time/total_seconds"]
        for runs in completions
        if (done := [c for c in runs if c and "time/total_seconds" in c.measured])
    ]
    if not seconds:
        return f"not known here yet; `ablab sweep {name} --dry-run` measures it"
    mean = sum(seconds) / len(seconds)
    return (
        f"{len(seconds)} of {len(cells)} trials are finished in this lab, "
        f"{format_duration(mean)} each; {format_duration(mean * len(cells))} of training in all"
    )


def _question(path: Path) -> str:
    sweep = read_yaml(path).get("sweep")
    return str(sweep.get("question", "")) if isinstance(sweep, dict) else ""
