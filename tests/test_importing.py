"""Large imports pause the garbage collector and freeze their objects."""

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ablab.importing import without_gc


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_collector_pauses_during_the_import() -> None:
    with without_gc():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_disabled_collector_stays_disabled() -> None:
    gc.disable()
    with without_gc():
        pass
    assert not gc.isenabled()


def test_collector_is_enabled_after_a_failed_import() -> None:
    with pytest.raises(ImportError), without_gc():
        raise ImportError
    assert gc.isenabled()


def test_other_threads_do_not_pause_the_collector() -> None:
    def in_thread() -> tuple[bool, int]:
        with without_gc():
            return gc.isenabled(), gc.get_freeze_count()

    gc.unfreeze()
    with ThreadPoolExecutor() as threads:
        assert threads.submit(in_thread).result() == (True, 0)
    assert gc.get_freeze_count() == 0


def test_existing_objects_are_frozen() -> None:
    gc.unfreeze()
    with without_gc():
        made = [[] for _ in range(10_000)]
    assert gc.get_freeze_count() > len(made)
    assert not any(o is made for o in gc.get_objects())
