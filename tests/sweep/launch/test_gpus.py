"""The GPUs that a process may use, as torch and the driver name them, and the slots on them."""

import ctypes
import uuid
from types import SimpleNamespace
from typing import Any

import pytest

from ablab.sweep.launch.gpus import (
    GPU,
    driver_uuids,
    gpu_slots,
    group_slots,
    visible_gpus,
)

A, B, C = (GPU(name, f"GPU-{name}") for name in "012")


def names(slots: list[Any]) -> list[tuple[str, int | None]]:
    return [(slot.environment["CUDA_VISIBLE_DEVICES"], slot.share) for slot in slots]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let torch count GPUs, and the driver name them."""

    def set_up(count: int, visible: str | None = None, uuids: tuple[str, ...] = ()) -> None:
        monkeypatch.setattr("torch.cuda.device_count", lambda: count)
        monkeypatch.setattr("ablab.sweep.launch.gpus.driver_uuids", lambda: list(uuids))
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if visible is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)

    return set_up


def test_one_slot_per_gpu_has_the_whole_gpu():
    assert names(gpu_slots([A, B], "auto", 1)) == [("0", None), ("1", None)]


def test_shares_of_all_gpus_come_in_turn():
    assert names(gpu_slots([A, B], "auto", 2)) == [("0", 0), ("1", 0), ("0", 1), ("1", 1)]
    assert names(gpu_slots([A, B], 3, 2)) == [("0", 0), ("1", 0), ("0", 1)]


def test_more_slots_than_shares_give_each_gpu_more_shares():
    assert names(gpu_slots([A, B], 3, 1)) == [("0", 0), ("1", 0), ("0", 1)]
    assert names(gpu_slots([A, B], 1, 1)) == [("0", None)]


def test_trials_of_several_gpus_get_groups_of_whole_gpus():
    assert names(group_slots([A, B, C], "auto", 1)) == [("0", None), ("1", None), ("2", None)]
    assert names(group_slots([A, B, C], "auto", 2)) == [("0,1", None)]
    assert names(group_slots([A, B, C], "auto", -1)) == [("0,1,2", None)]
    assert names(group_slots([A, B], 1, 1)) == [("0", None)]


def test_gpus_are_named_as_the_variable_names_them_and_known_by_their_uuid(machine: Any):
    machine(2, uuids=("GPU-x", "GPU-y"))
    assert visible_gpus() == [GPU("0", "GPU-x"), GPU("1", "GPU-y")]
    machine(2, "3, GPU-y", ("GPU-x", "GPU-yyy"))
    assert visible_gpus() == [GPU("3", "GPU-x"), GPU("GPU-y", "GPU-yyy")]


def test_variable_with_an_invalid_name_counts_up_to_it_as_in_cuda(machine: Any):
    machine(1, "1,9,0", ("GPU-x",))
    assert visible_gpus() == [GPU("1", "GPU-x")]
    machine(0, "", ())
    assert visible_gpus() == []


def test_every_mig_instance_is_used_though_a_process_sees_one(machine: Any):
    machine(1, "MIG-a,MIG-b", ("GPU-x",))
    assert visible_gpus() == [GPU("MIG-a", "MIG-a"), GPU("MIG-b", "MIG-b")]


def test_without_uuids_the_names_identify_gpus(machine: Any):
    machine(2)
    assert visible_gpus() == [GPU("0", "0"), GPU("1", "1")]


def fake_driver(count: int) -> SimpleNamespace:
    def set_count(pointer: Any) -> int:
        pointer._obj.value = count
        return 0

    def get(pointer: Any, index: int) -> int:
        pointer._obj.value = 40 + index
        return 0

    def get_uuid(pointer: Any, device: Any) -> int:
        pointer._obj[15] = device.value
        return 0

    return SimpleNamespace(
        cuInit=lambda flags: 0,
        cuDeviceGetCount=set_count,
        cuDeviceGet=get,
        cuDeviceGetUuid_v2=get_uuid,
    )


def test_driver_is_asked_for_each_visible_gpu(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: fake_driver(2))
    assert driver_uuids() == [f"GPU-{uuid.UUID(int=number)}" for number in (40, 41)]


@pytest.mark.parametrize(
    "name", ["cuInit", "cuDeviceGetCount", "cuDeviceGet", "cuDeviceGetUuid_v2"]
)
def test_driver_that_refuses_gives_no_uuids(monkeypatch: pytest.MonkeyPatch, name: str):
    driver = fake_driver(2)
    setattr(driver, name, lambda *_: 100)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: driver)
    assert driver_uuids() == []
    delattr(driver, name)
    assert driver_uuids() == []
