"""Options that do not apply to a plain LightningDataModule, whose loaders decide them."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from ablab.faults import ConfigError
from ablab.folders import shipped_folder

_WHY = "for a data set whose own loaders decide it"


def refuse_options(config: Mapping[str, Any]) -> None:
    """Refuse options that would have no effect.

    Args:
        config: resolved configuration of a trial whose data set is a plain LightningDataModule.

    Raises:
        ConfigError: with all faults.
    """
    values = {"batch_size": config["batch_size"]}
    values |= {f"data.{name}": value for name, value in config["data"].items()}
    values["augmentation._target_"] = config["augmentation"]["_target_"]
    defaults = _defaults()
    faults = [
        f"{key} must be left at {_text(defaults[key])} {_WHY}, got {_text(value)}"
        for key, value in values.items()
        if value != defaults[key]
    ]
    # Each process would need its own share of the batches; the last test images would count twice.
    devices = config.get("devices") or {}
    for key, only in (("strategy", "auto"), ("devices", 1)):
        if devices.get(key, only) != only:
            faults.append(
                f"devices.{key} must be {only} {_WHY}, one process each, got {devices[key]}"
            )
    if faults:
        raise ConfigError(faults)


@cache
def _defaults() -> dict[str, Any]:
    conf = shipped_folder("conf")
    groups = {
        name: yaml.safe_load((conf / f"{name}.yaml").read_text("utf-8"))
        for name in ("config", "data/default", "augmentation/none")
    }
    return {
        "batch_size": groups["config"]["batch_size"],
        **{f"data.{name}": value for name, value in groups["data/default"].items()},
        "augmentation._target_": groups["augmentation/none"]["_target_"],
    }


def _text(value: Any) -> str:
    """Return a value as YAML on one line."""
    return str(yaml.safe_dump(value, default_flow_style=True)).split("\n")[0]
