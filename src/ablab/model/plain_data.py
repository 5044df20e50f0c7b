"""Options that a plain LightningDataModule leaves no room for: its loaders have decided."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from ablab.faults import ConfigError
from ablab.folders import own_folder

_WHY = "for a data set whose own loaders decide it"


def refuse_options(config: Mapping[str, Any]) -> None:
    """Refuse what would be set and have no effect.

    Args:
        config: a trial's resolved configuration, whose data set is a plain LightningDataModule.

    Raises:
        ConfigError: with all faults.
    """
    given = {"batch_size": config["batch_size"]}
    given |= {f"data.{name}": value for name, value in config["data"].items()}
    given["augmentation._target_"] = config["augmentation"]["_target_"]
    defaults = _defaults()
    faults = [
        f"{key} must be left at {_text(defaults[key])} {_WHY}, got {_text(value)}"
        for key, value in given.items()
        if value != defaults[key]
    ]
    # Each process would need its share of the batches, and the test's last ones would come twice.
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
    conf = own_folder("conf")
    read = {
        name: yaml.safe_load((conf / f"{name}.yaml").read_text("utf-8"))
        for name in ("config", "data/default", "augmentation/none")
    }
    return {
        "batch_size": read["config"]["batch_size"],
        **{f"data.{name}": value for name, value in read["data/default"].items()},
        "augmentation._target_": read["augmentation/none"]["_target_"],
    }


def _text(value: Any) -> str:
    """Return a value as YAML has it."""
    return str(yaml.safe_dump(value, default_flow_style=True)).split("\n")[0]
