"""What ``devices.cuda_graph`` cannot capture."""

from collections.abc import Mapping
from typing import Any

from ablab.config.preflight import device_type, num_processes
from ablab.config.probe_switches import switched_on
from ablab.data.module import InMemoryDataModule
from ablab.model import build
from ablab.model.builder import Builder
from ablab.model.randomness import own_randomness
from ablab.model.targets import PARTS


def graph_faults(config: Mapping[str, Any]) -> list[str]:
    """Return the reasons why a trial's steps cannot be CUDA graphs; none if it does not ask.

    Args:
        config: a trial's complete configuration, its components valid.
    """
    if not config["devices"].get("cuda_graph"):
        return []
    return [f"devices.cuda_graph must be false for {why}, got true" for why in _reasons(config)]


def _reasons(config: Mapping[str, Any]) -> list[str]:
    precision, backend = config["trainer"]["precision"], config.get("backend", "torch")
    # A graph repeats the random numbers of its capture, unless they come from torch's generator.
    draws = [x for x in PARTS if Builder(x, config[x]).accepts("generator")]
    draws += [axis for axis in own_randomness(config) if axis not in draws]
    reasons = [f"{axis}={config[axis]['_target_']}, which may draw" for axis in draws]
    if (kind := device_type(config)) != "cuda":
        reasons.append(f"training on a {kind}")
    if num_processes(config["devices"]) > 1 or config["devices"]["strategy"] == "ddp":
        reasons.append("several processes")
    if precision.endswith("-mixed"):
        reasons.append(f"trainer.precision={precision}")
    if backend != "torch":
        reasons.append(f"backend={backend}")
    if switched_on(config.get("probes") or {}):
        reasons.append("probes, which watch the layers")
    if not isinstance(build.dataset(config["dataset"]), InMemoryDataModule):
        reasons.append(f"dataset={config['dataset']['_target_']}, whose batches may differ in size")
    return reasons
