"""The launcher that the configuration names."""

from collections.abc import Mapping
from typing import Any

from ablab.config.threads import cpu_threads
from ablab.faults import ConfigError
from ablab.model.builder import Builder
from ablab.sweep.launch.launcher import Launcher
from ablab.training.settings import Devices


def make_launcher(config: Mapping[str, Any]) -> Launcher:
    """Return the launcher that the group ``launcher`` names, with its options.

    Its ``_target_`` is called with those of ``devices`` and ``threads`` that its signature names.

    Args:
        config: its groups ``devices`` and ``launcher`` are read, resolved and checked.

    Raises:
        ComponentError: the launcher refuses an option, or cannot be built.
        ConfigError: what is built is no launcher.
    """
    node = config["launcher"]
    builder = Builder("launcher", node)
    made = builder(devices=Devices(**config["devices"]), threads=cpu_threads(node))
    if not isinstance(made, Launcher):
        rule = "make what has slots, is_ready, start, wait and close"
        got = f"{node['_target_']}, which makes a {type(made).__name__}"
        raise ConfigError([f"launcher._target_ must {rule}, got {got}"])
    return made
