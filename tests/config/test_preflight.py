"""Devices, processes and disk space are checked before a trial starts."""

import copy
from pathlib import Path

import pytest
import torch

from ablab.config import preflight
from ablab.config.compose import compose


@pytest.fixture(scope="module")
def config() -> dict:
    return compose().resolved()


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


def faults(config: dict, **devices: object) -> list[str]:
    config = copy.deepcopy(config)
    config["batch_size"] = devices.pop("batch_size", 128)
    config["devices"] |= devices
    return preflight.device_faults(config)


def test_one_device_is_valid(config: dict) -> None:
    assert faults(config, accelerator="cpu") == []
    assert faults(config, accelerator="auto") == []


@pytest.mark.usefixtures("no_gpu")
def test_missing_gpu_is_a_fault(config: dict) -> None:
    (fault,) = faults(config, accelerator="gpu")
    assert fault.startswith("devices.accelerator must be cpu or auto here, got gpu")


@pytest.mark.usefixtures("no_gpu")
def test_all_devices_need_a_gpu(config: dict) -> None:
    (fault,) = faults(config, devices=-1, strategy="ddp")
    assert "devices.devices must be a number" in fault
    assert "devices=ddp_cpu" in fault


@pytest.mark.usefixtures("two_gpus")
def test_too_many_gpus_are_a_fault(config: dict) -> None:
    (fault,) = faults(config, accelerator="gpu", devices=3, strategy="ddp", batch_size=129)
    assert fault == "devices.devices must be at most 2, the GPUs here, got 3"


@pytest.mark.usefixtures("two_gpus")
def test_minus_one_device_is_all_gpus(config: dict) -> None:
    assert preflight.num_processes({"accelerator": "auto", "devices": -1}) == 2
    assert faults(config, devices=-1, strategy="ddp") == []


def test_several_devices_need_ddp(config: dict) -> None:
    (fault,) = faults(config, accelerator="cpu", devices=2)
    assert fault == "devices.strategy must be ddp for 2 devices, got auto"


def test_batch_size_must_be_divisible_by_the_processes(config: dict) -> None:
    (fault,) = faults(config, accelerator="cpu", devices=2, strategy="ddp", batch_size=127)
    assert fault == "batch_size must be divisible by the 2 processes, got 127"


@pytest.mark.usefixtures("no_gpu")
def test_gpu_that_torch_cannot_use_is_noted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(preflight, "_NVIDIA", tmp_path / "none")
    assert preflight.device_notes() == []
    monkeypatch.setattr(preflight, "_NVIDIA", tmp_path)
    (note,) = preflight.device_notes()
    assert "there is a GPU" in note
    assert torch.__version__ in note
