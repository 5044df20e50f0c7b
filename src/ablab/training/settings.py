"""What a process that trains is given beside its run: devices, threads, its place in a sweep."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ablab.config.threads import cpu_threads
from ablab.errors import InputError
from ablab.text import shown


@dataclass(frozen=True)
class Devices:
    """The configuration's group ``devices``.

    Attributes:
        accelerator: Lightning's word: auto, cpu, gpu, cuda or mps.
        devices: how many processes a trial is, one a device; -1: one for each that is visible.
        strategy: auto, or ddp for several processes.
    """

    accelerator: str = "auto"
    devices: int = 1
    strategy: str = "auto"

    @property
    def is_ddp(self) -> bool:
        """Tell whether gradients are averaged over processes."""
        return self.strategy == "ddp"

    @property
    def may_be_several(self) -> bool:
        """Tell whether a trial may be more than one process, and so needs the whole machine."""
        return self.is_ddp or self.devices != 1

    def as_dict(self) -> dict[str, str | int]:
        """Return the group as the configuration has it."""
        return asdict(self)


@dataclass(frozen=True)
class ProcessSettings:
    """What a launcher hands to each process that it starts; the same for all trials of a sweep.

    Attributes:
        devices: where the trial runs.
        threads: CPU threads of each process, >= 1.
        slots: how many trials run side by side, >= 1.
        in_sweep: whether the sweep decides about Ctrl-C, and its end is the process's.
        ends_with_parent: whether the end of the process that started this one is its own, outside
            a sweep too.
    """

    devices: Devices
    threads: int = 1
    slots: int = 1
    in_sweep: bool = False
    ends_with_parent: bool = False

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
            config: its groups ``devices`` and ``launcher`` are read.
            slots: how many trials run side by side.
            in_sweep: whether a sweep starts the process.
            ends_with_parent: whether it ends with the process that starts it.
        """
        devices = Devices(**config["devices"])
        threads = cpu_threads(config["launcher"])
        return cls(devices, threads, slots, in_sweep, ends_with_parent)

    def to_json(self) -> str:
        """Return the settings as an argument of ``python -m ablab.training.process``."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "ProcessSettings":
        """Return the settings that `to_json` wrote.

        Raises:
            InputError: the text is something else.
        """
        try:
            content = json.loads(text)
            return cls(**{**content, "devices": Devices(**content["devices"])})
        except (ValueError, TypeError, KeyError) as error:
            keys = ", ".join(field.name for field in fields(cls))
            raise InputError(
                f"settings must be a JSON object of {keys}, got {shown(text)}"
            ) from error
