"""A training process samples itself alone, and not in the first minute."""

import itertools
import json
import mmap
import threading
from pathlib import Path

import numpy as np

from ablab.tracking.system_metrics import system_file
from ablab.training.system_sampler import sample_system


def read(path: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def work_until(path: Path, samples: int) -> None:
    while not path.exists() or len(read(path)) < samples:
        sum(range(100_000))


def test_a_short_trial_writes_nothing(tmp_path: Path) -> None:
    with sample_system(tmp_path):
        sum(range(100_000))
    assert list(tmp_path.glob("system*")) == []
    assert "ablab-system" not in {thread.name for thread in threading.enumerate()}


def test_a_busy_process_shows_its_cpu_time_and_its_memory(tmp_path: Path) -> None:
    path = system_file(tmp_path)
    with sample_system(tmp_path, delay=0.0, shortest=0.2):
        work_until(path, 1)
        # of the system: the heap of this process may have as much that is free
        held = np.frombuffer(mmap.mmap(-1, 50_000_000), np.uint8)
        held[:] = 1
        before = len(read(path))
        work_until(path, before + 2)
    samples = read(path)
    assert held.nbytes == 50_000_000
    assert all(sample["cpu_percent"] > 0 for sample in samples)
    assert samples[-1]["memory_megabytes"] - samples[0]["memory_megabytes"] > 40
    assert all(a["time"] < b["time"] for a, b in itertools.pairwise(samples))


def test_a_resumed_run_continues_the_file(tmp_path: Path) -> None:
    path = system_file(tmp_path, rank=1)
    for samples in (1, 2):
        with sample_system(tmp_path, 1, delay=0.0, shortest=0.01):
            work_until(path, samples)
    assert len(read(path)) >= 2
    assert path.name == "system_metrics_rank_1.jsonl"


def test_training_goes_on_where_the_file_cannot_be_written(tmp_path: Path) -> None:
    system_file(tmp_path).mkdir()
    with sample_system(tmp_path, delay=0.0, shortest=0.001):
        sum(range(3_000_000))
    assert list(system_file(tmp_path).iterdir()) == []
