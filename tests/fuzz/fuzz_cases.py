"""Random configurations, valid and malformed, drawn from a seed.

Each case is a command that a user could type (`ablab train` or `ablab sweep`), in a folder with
their components, sweep and module. About half of the values drawn for a key are valid.
"""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fuzz_values import HOSTILE, MODULE, SOURCE, TEXTS, VALUES

from ablab.config.compose import components, compose
from ablab.config.groups import AXES, GROUPS

NETWORKS = ("lenet5", "mlp", "one_conv", "cnn", "cnn1d", "gru", "resnet20", "vgg", "tdnn", "srn")


@dataclass(frozen=True)
class Case:
    """Stores a command, its files and its environment.

    Attributes:
        overrides: of the command.
        sweep: name of the sweep to plan; None to check a trial.
        files: path in the working folder to content; None for a folder.
        environment: variables.
    """

    overrides: tuple[str, ...]
    sweep: str | None = None
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


def case(seed: int) -> Case:
    """Return the case of a seed."""
    rng = random.Random(seed)
    return rng.choice((_trial, _trial, _component, _sweep, _sweep, _hostile_yaml))(rng)


def cheap_case(seed: int) -> Case:
    """Return a case whose network trains within a second, if it is valid."""
    drawn = case(seed)
    small = ("trainer.max_epochs=1", "data.train_images=64", "devices=cpu", "batch_size=32")
    keys = {text.partition("=")[0] for text in small} | {"trainer", "architecture", "dataset"}
    kept = [o for o in drawn.overrides if o.partition("=")[0] not in keys]
    return Case((*kept, *small), drawn.sweep, drawn.files, drawn.environment)


def _trial(rng: random.Random) -> Case:
    count = rng.choice((0, 1, 1, 2, 2, 3, 5))
    return Case(_overrides(rng, count), environment=_environment(rng))


def _component(rng: random.Random) -> Case:
    axis = rng.choice(AXES)
    name = rng.choice(
        ("mine", "mine", "my.part", "My part", "部品", "x" * 90, "x" * 120, "relu", "-x")
    )
    content = _yaml(rng, _part(rng, axis))
    choice = f"{axis}={name}" if rng.random() < 0.8 else f'{axis}="{name}"'
    return Case(
        (*_overrides(rng, rng.choice((0, 1))), choice),
        files={f"{MODULE}.py": SOURCE.encode(), f"conf/{axis}/{name}.yaml": content},
        environment={"ABLAB_ALLOW": MODULE, **_environment(rng)},
    )


def _part(rng: random.Random, axis: str) -> Any:
    target = rng.choice(
        (
            f"{MODULE}.Part",
            f"{MODULE}.Part",
            f"{MODULE}.Loss",
            f"{MODULE}.Breaks",
            f"{MODULE}.nothing",
            f"{MODULE}.Missing",
            "torch.nn.CELU",
            "torch.nn.ReLU",
            "torch.nn.Module",
            "torch.optim.SGD",
            "os.system",
            "",
            ".",
            "torch..nn",
            "torch",
            3,
            None,
            f"{MODULE}.Part.forward",
            "x" * 3000,
            "torch.nn.\x1b[31m",
            "no such.module",
        )
    )
    keys: dict[Any, Any] = {"_target_": target}
    for _ in range(rng.choice((0, 0, 1, 2))):
        key = rng.choice(
            ("scale", "alpha", "inplace", "lr", "_convert_", "a.b", "", 1, None, "é", "x\ny")
        )
        keys[key] = _value(rng)
    return keys if rng.random() < 0.95 else rng.choice(([keys], "text", 3, None, {}, {"a": keys}))


def _sweep(rng: random.Random) -> Case:
    node: dict[Any, Any] = {
        "question": _or(rng, "Which?", _value),
        "kind": _or(rng, rng.choice(("best", "versus_baseline", "equivalence", "factors")), _value),
        "seeds": _or(
            rng, rng.choice((1, 2, 3, [0, 5], 10**9, 20000, [0] * 3, list(range(50)))), _value
        ),
    }
    kind = rng.choice(("grid", "grid", "variants", "both", "neither"))
    if kind in ("grid", "both"):
        node["grid"] = _or(rng, _grid(rng), _value)
    if kind in ("variants", "both"):
        node["variants"] = _or(rng, _variants(rng), _value)
    for key, probability in (("blocks", 0.3), ("exclude", 0.2), ("baseline", 0.6), ("margin", 0.2)):
        if rng.random() < probability:
            node[key] = _option(rng, key)
    for key in ("target", "metric", "goal", "tune", "extra", 7, "grid.activation"):
        if rng.random() < 0.06:
            node[key] = _value(rng)
    body = {"sweep": node if rng.random() < 0.97 else _value(rng), **_body(rng)}
    name = rng.choice(("mine", "mine", "mine", "my sweep", "x" * 95, "demo", "a.b", "研究"))
    overrides = [*_overrides(rng, rng.choice((0, 0, 1))), *_sweep_overrides(rng)]
    return Case(
        tuple(overrides), name, {f"sweeps/{name}.yaml": _yaml(rng, body)}, _environment(rng)
    )


def _sweep_overrides(rng: random.Random) -> list[str]:
    if rng.random() < 0.8:
        return []
    key = rng.choice(
        ("seeds", "margin", "grid.activation", "question", "nothing", "baseline", "tune")
    )
    return [f"sweep.{key}={_text(rng)}"]


def _grid(rng: random.Random) -> dict[Any, Any]:
    axes = ("activation", "pooling", "normalization", "dropout", "optimizer", "loss")
    grid: dict[Any, Any] = {}
    for axis in rng.sample(axes, rng.choice((1, 1, 2, 3))):
        names = sorted(components(axis))
        grid[axis] = rng.sample(names, min(len(names), rng.choice((1, 2, 2, 3))))
    if rng.random() < 0.3:
        key = rng.choice(("optimizer.lr", "batch_size", "trainer.max_epochs", "data.shuffle"))
        grid[key] = [_fit(rng, key) for _ in range(rng.choice((1, 2, 3)))]
    if rng.random() < 0.1:
        grid[rng.choice(("seed", "devices", 3, "no.such", ""))] = [_value(rng), _value(rng)]
    if rng.random() < 0.05:
        grid |= {f"optimizer.{key}": list(range(100)) for key in ("lr", "eps", "weight_decay")}
    return grid


def _variants(rng: random.Random) -> dict[Any, Any]:
    names = ("full", "bare", "a b", "é", "x" * 300, "[bold]", "", " y ", "\x1b[31m", 1, None, True)
    return {
        name: rng.choice(
            ({}, {"activation": "tanh"}, {"optimizer.lr": _fit(rng, "optimizer.lr")}, _value(rng))
        )
        for name in rng.sample(names, rng.choice((1, 2, 3)))
    }


def _option(rng: random.Random, key: str) -> Any:
    valid: Mapping[str, tuple[Any, ...]] = {
        "blocks": ({"dataset": ["digits"]}, {"architecture": ["lenet5", "mlp"]}, {"one": {}}, {}),
        "exclude": ([{"activation": "tanh", "reason": "x"}], [{}], [3], {"activation": "tanh"}),
        "baseline": ({"activation": "relu"}, "relu", "full", {}, {"activation": ["relu"]}),
        "margin": (0.01, 0, float("inf"), float("nan"), "x", 10**400),
    }
    return rng.choice((*valid[key], _value(rng)))


def _body(rng: random.Random) -> dict[Any, Any]:
    body: dict[Any, Any] = {}
    if rng.random() < 0.3:
        axis = rng.choice((*GROUPS, "nothing"))
        name = rng.choice((*(sorted(components(axis)) if axis in GROUPS else ()), "nothing", 3))
        body["defaults"] = rng.choice(
            ([{f"override /{axis}": name}], ["_self_"], [name], {"a": 1}, 3)
        )
    if rng.random() < 0.2:
        body["trainer"] = rng.choice(({"max_epochs": 1}, {"max_epoch": 1}, None, 3, []))
    if rng.random() < 0.1:
        body[
            rng.choice(("optimizr", "optimizer.lr", "hydra", "seed", "dataset", 5, "batch_size"))
        ] = _value(rng)
    return body


def _hostile_yaml(rng: random.Random) -> Case:
    content = rng.choice(HOSTILE)
    if rng.random() < 0.5:
        return Case(("activation=mine",), files={"conf/activation/mine.yaml": content})
    return Case((), "mine", {"sweeps/mine.yaml": content})


def _yaml(rng: random.Random, content: Any) -> bytes:
    """Return content as YAML: JSON, but keys need not be strings."""
    return _flow(content).encode("utf-8", "surrogateescape")


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, float):
        return repr(value).replace("inf", ".inf").replace("nan", ".nan")
    return json.dumps(value, ensure_ascii=isinstance(value, str) and "\udc80" not in value)


def _overrides(rng: random.Random, count: int) -> tuple[str, ...]:
    return tuple(_override(rng) for _ in range(count))


def _override(rng: random.Random) -> str:
    drawn = rng.random()
    if drawn < 0.35:
        group = rng.choice((*AXES, "architecture", "optimizer", "probes", "devices"))
        names = NETWORKS if group == "architecture" else sorted(components(group))
        return f"{group}={rng.choice(names) if rng.random() < 0.9 else _text(rng)}"
    if drawn < 0.85:
        key = rng.choice((*VALUES, *VALUES, *_all_keys()))
        return f"{key}={_override_syntax(_fit(rng, key))}"
    return rng.choice(
        (
            _text(rng),
            f"+x={_text(rng)}",
            f"~{_text(rng)}",
            f"={_text(rng)}",
            f"seed{_text(rng)}=1",
            f"hydra.{_text(rng)}=1",
            f"optimizer.{_text(rng)}=1",
            f"optimizer.lr={_text(rng)}",
        )
    )


def _fit(rng: random.Random, key: str) -> Any:
    """Return a value that is valid for a key, or nearly so."""
    return rng.choice(VALUES[key]) if key in VALUES and rng.random() < 0.7 else _value(rng)


def _value(rng: random.Random) -> Any:
    if rng.random() < 0.5:
        return _text(rng)
    return rng.choice(
        (None, True, 0, 1, -1, 0.5, 10**400, float("inf"), [], {}, [1, "x"], {"a": 1})
    )


def _text(rng: random.Random) -> str:
    return rng.choice(TEXTS)


def _override_syntax(value: Any) -> str:
    """Return a value in the syntax of overrides."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{k}:{_override_syntax(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_override_syntax, value)) + "]"
    return (
        {None: "null", True: "true", False: "false"}.get(value, str(value))
        if not isinstance(value, float | int) or isinstance(value, bool)
        else str(value)
    )


def _environment(rng: random.Random) -> dict[str, str]:
    names: Mapping[str, Callable[[], str]] = {
        "ABLAB_ALLOW": lambda: rng.choice((MODULE, ".", ",", "a..b", "os", " ", "é", "x" * 5000)),
        "ABLAB_DATA": lambda: rng.choice(("nowhere", "~nobody/x", "\udc80", "a?b#c", "x" * 300)),
        "OMP_NUM_THREADS": lambda: rng.choice(("1", "0", "many", "-1")),
    }
    return {name: draw() for name, draw in names.items() if rng.random() < 0.05}


def _or(rng: random.Random, valid: Any, other: Callable[[random.Random], Any]) -> Any:
    return other(rng) if rng.random() < 0.08 else valid


_KEYS: list[str] = []


def _all_keys() -> list[str]:
    if not _KEYS:
        for group, node in compose().resolved().items():
            inner = [f"{group}.{key}" for key in node] if isinstance(node, dict) else [group]
            _KEYS.extend(inner)
    return _KEYS
