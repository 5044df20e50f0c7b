"""Builds the launcher that the configuration names."""

from collections.abc import Mapping
from typing import Any

from ablab.config.threads import cpu_threads
from ablab.faults import ConfigError
from ablab.model.builder import Builder
from ablab.sweep.launch.launcher import Launcher
from ablab.training.settings import Devices


def make_launcher(config: Mapping[str, Any]) -> Launcher:
    """Return the launcher of the group ``launcher``.

    Its ``_target_`` is called with its options, and with ``devices`` and ``threads`` where its
    signature names them.

    Args:
        config: resolved and checked; only the groups ``devices`` and ``launcher`` are read.

    Raises:
        ComponentError: the launcher refuses an option, or cannot be built.
        ConfigError: the object built is not a launcher.
    """
    node = config["launcher"]
    builder = Builder("launcher", node)
    launcher = builder(devices=Devices(**config["devices"]), threads=cpu_threads(node))
    if not isinstance(launcher, Launcher):
        rule = "return an object with slots, is_ready, start, wait and close"
        got = f"{node['_target_']}, which returns an object of type {type(launcher).__name__}"
        raise ConfigError([f"launcher._target_ must {rule}, got {got}"])
    return launcher
