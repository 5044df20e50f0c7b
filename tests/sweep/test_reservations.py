"""Slots on devices that other trials and other sweeps use: waited for, and retried alone."""

from collections.abc import Iterable

from fakes import (
    SETTINGS,
    EventLog,
    FakeLauncher,
    Script,
    finish,
    keep_running,
    make_jobs,
    run_out_of_memory,
)

from ablab.sweep.reservations import Reservations
from ablab.sweep.schedule import Schedule
from ablab.tracking.lab import Lab


class FakeGPU(FakeLauncher):
    """Several slots on one device."""

    def __init__(self, slots: int = 2, **scripts: Iterable[Script]) -> None:
        super().__init__(slots, **scripts)
        self.is_taken = False  # by another process
        self.reserved: dict[int, bool] = {}
        self.history: list[tuple[int, bool]] = []

    def reserve(self, slot: int, *, alone: bool) -> bool:
        if self.is_taken or (self.reserved and (alone or any(self.reserved.values()))):
            return False
        self.reserved[slot] = alone
        self.history.append((slot, alone))
        return True

    def release(self, slot: int) -> None:
        del self.reserved[slot]

    def is_shared(self, slot: int) -> bool:
        return self.slots > 1


def test_trial_waits_while_another_process_has_the_device(lab: Lab):
    launcher, log = FakeGPU(), EventLog()
    launcher.is_taken = True
    launcher.on_wait = lambda: setattr(launcher, "is_taken", launcher.now < 5)
    jobs = make_jobs("a", "b")
    Schedule(lab, jobs, launcher, SETTINGS, clock=launcher.clock, watchers=[log]).run()
    assert [job.state for job in jobs] == ["finished"] * 2
    assert log.events[0] == ("blocked", "")
    assert [event for event, _ in log.events].count("blocked") == 1
    assert launcher.reserved == {}


def test_trial_out_of_memory_is_started_again_alone_when_the_others_have_ended(lab: Lab):
    launcher, log = FakeGPU(a=[run_out_of_memory, finish]), EventLog()
    jobs = make_jobs(*"abc")
    Schedule(lab, jobs, launcher, SETTINGS, clock=launcher.clock, watchers=[log]).run()
    assert [job.state for job in jobs] == ["finished"] * 3
    assert ("retried", "a") in log.events
    assert [key for event, key in log.events if event == "started"] == ["a", "b", "c", "a"]
    assert launcher.history[-1][1]  # alone
    assert jobs[0].kills == 0  # this is not one of `launcher.retries`


def test_trial_out_of_memory_fails_without_neighbors(lab: Lab):
    launcher = FakeGPU(a=[run_out_of_memory])
    (job,) = jobs = make_jobs("a")
    Schedule(lab, jobs, launcher, SETTINGS, clock=launcher.clock).run()
    assert job.state == "failed"
    assert len(launcher.attempts["a"]) == 2
    single = FakeGPU(1, b=[run_out_of_memory])
    (other,) = jobs = make_jobs("b")
    Schedule(lab, jobs, single, SETTINGS, clock=single.clock).run()
    assert other.state == "failed"
    assert len(single.attempts["b"]) == 1


def test_interrupt_ends_a_sweep_that_waits_for_a_device(lab: Lab):
    launcher = FakeGPU()
    launcher.is_taken = True
    jobs = make_jobs("a")
    interrupts = {"interrupts": lambda: int(launcher.now > 1)}
    Schedule(lab, jobs, launcher, SETTINGS, clock=launcher.clock, **interrupts).run()
    assert jobs[0].state == "stopped"


def test_slots_are_reserved_one_after_the_other_and_released():
    slots = Reservations(FakeLauncher(2, a=[keep_running]))
    assert [slots.reserve(alone=False) for _ in range(3)] == [0, 1, None]
    slots.release(0)
    assert not slots.are_all_free()
    assert slots.reserve(alone=True) == 0
    assert not slots.is_shared(0)
