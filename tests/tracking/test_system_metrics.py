"""System metrics are read from the files of each process, and delivered once."""

from pathlib import Path

from recorded import begin, epoch, finish

from ablab.tracking.delivery import deliver
from ablab.tracking.delivery_state import RUNS
from ablab.tracking.journal import Journal
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.tracking.store import Store
from ablab.tracking.system_metrics import encode_sample, system_file, system_points


def write(folder: Path, samples: int, rank: int | None = None, first: int = 0) -> None:
    with system_file(folder, rank).open("a") as stream:
        for number in range(first, first + samples):
            stream.write(encode_sample(1.7e9 + number, {"cpu_percent": 90.0 + number}))


def test_points_have_the_number_of_the_sample_as_their_step(tmp_path: Path) -> None:
    write(tmp_path, 3)
    points, samples = system_points(tmp_path, 1)
    assert samples == 3
    assert points == [
        ("system/cpu_percent", 91.0, 1_700_000_001_000, 1),
        ("system/cpu_percent", 92.0, 1_700_000_002_000, 2),
    ]


def test_each_rank_has_its_own_metrics(tmp_path: Path) -> None:
    write(tmp_path, 3, rank=0)
    write(tmp_path, 2, rank=1)
    points, samples = system_points(tmp_path, 0)
    assert samples == 2  # rank 1 goes on there; of rank 0 a point is then logged again
    names = [name for name, *_ in points]
    assert names == ["system/rank_0/cpu_percent"] * 3 + ["system/rank_1/cpu_percent"] * 2


def test_a_line_that_a_kill_cut_off_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, 2)
    path = system_file(tmp_path)
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for end in range(first, len(whole)):
        path.write_bytes(whole[:end])
        points, _ = system_points(tmp_path, 0)
        assert points[0] == ("system/cpu_percent", 90.0, 1_700_000_000_000, 0)
        assert len(points) == 1 + (end == len(whole) - 1)  # only the newline is missing
    path.write_bytes(b'[]\n{"time": "x"}\n{"a": 1}\n' + whole)
    assert len(system_points(tmp_path, 0)[0]) == 2


def history(store: Store, run_id: str) -> list[tuple[int, float]]:
    points = store.client.get_metric_history(run_id, "system/cpu_percent")
    return [(point.step, point.value) for point in points]


def test_delivery_continues_and_repeats_without_doubles(lab: Lab, store: Store) -> None:
    run = begin(lab, epochs=1)
    write(run.folder, 2)
    run_id = deliver(run, store, "trials", name="n", tags={}).run_id
    assert run_id is not None
    assert history(store, run_id) == [(0, 90.0), (1, 91.0)]
    Journal(run.journal).append(epoch(1))
    write(run.folder, 2, first=2)
    deliver(run, store, "trials", name="n", tags={})
    finish(run)
    (run.folder / RUNS).unlink()
    deliver(run, store, "trials", name="n", tags={})
    assert history(store, run_id) == [(i, 90.0 + i) for i in range(4)]


def test_samples_after_the_completion_record_do_not_damage_the_run(lab: Lab, store: Store) -> None:
    run = begin(lab, epochs=1)
    write(run.folder, 1)
    finish(run)
    write(run.folder, 1, first=1)
    assert Run(run.folder).damage() == ""
    run_id = deliver(run, store, "trials", name="n", tags={}).run_id
    assert run_id is not None
    assert len(history(store, run_id)) == 2
