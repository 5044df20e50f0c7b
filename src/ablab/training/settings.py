"""Settings of a training process: devices, threads, and its relation to a sweep."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ablab.config.threads import cpu_threads
from ablab.errors import InputError
from ablab.text import format_value


@dataclass(frozen=True)
class Devices:
    """The configuration's group ``devices``.

    Attributes:
        accelerator: as in Lightning: auto, cpu, gpu, cuda or mps.
        devices: number of processes of a trial, one per device; -1 for all visible devices.
        strategy: auto, or ddp for several processes.
        cuda_graph: whether a step's passes are CUDA graphs (see `ablab.training.cuda_graph`).
    """

    accelerator: str = "auto"
    devices: int = 1
    strategy: str = "auto"
    cuda_graph: bool = False

    @property
    def is_ddp(self) -> bool:
        """Return whether gradients are averaged over processes."""
        return self.strategy == "ddp"

    @property
    def may_be_several(self) -> bool:
        """Return whether a trial may use several processes, and so needs the whole machine."""
        return self.is_ddp or self.devices != 1

    def as_dict(self) -> dict[str, str | int]:
        """Return the group as in the configuration."""
        return asdict(self)


@dataclass(frozen=True)
class ProcessSettings:
    """Settings that a launcher passes to each process; the same for all trials of a sweep.

    Attributes:
        devices: the group ``devices``.
        threads: CPU threads of each process, >= 1.
        slots: number of concurrent trials, >= 1.
        in_sweep: whether a sweep handles Ctrl-C; the process exits when the sweep has ended.
        ends_with_parent: whether the process exits when its parent has ended, also outside a sweep.
        companions: folders of further runs that the process trains together with its own
            (``backend=fused``).
    """

    devices: Devices
    threads: int = 1
    slots: int = 1
    in_sweep: bool = False
    ends_with_parent: bool = False
    companions: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        config: Mapping[str, Any],
        *,
        slots: int = 1,
        in_sweep: bool = False,
        ends_with_parent: bool = False,
    ) -> "ProcessSettings":
        """Return the settings that a resolved configuration asks for.

        Args:
            config: contains the groups ``devices`` and ``launcher``.
            slots: number of concurrent trials.
            in_sweep: whether a sweep starts the process.
            ends_with_parent: whether it exits when its parent has ended.
        """
        devices = Devices(**config["devices"])
        threads = cpu_threads(config["launcher"])
        return cls(devices, threads, slots, in_sweep, ends_with_parent)

    def to_json(self) -> str:
        """Return the settings as an argument of ``python -m ablab.training``."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "ProcessSettings":
        """Return the settings that `to_json` wrote.

        Raises:
            InputError: the text is no such JSON.
        """
        try:
            content = json.loads(text)
            devices = Devices(**content["devices"])
            companions = tuple(content.get("companions", ()))
            return cls(**{**content, "devices": devices, "companions": companions})
        except (ValueError, TypeError, KeyError) as error:
            keys = ", ".join(field.name for field in fields(cls))
            raise InputError(
                f"settings must be a JSON object of {keys}, got {format_value(text)}"
            ) from error
