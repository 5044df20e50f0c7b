"""64 short MLP trials on two cores: by ablab, by Ray Tune, and by Optuna's own loop.

"Fused" are trials of backend=fused, which train together; "other" is the fastest of the others.

Each trial trains 784-64-128-64-10 (BN, fused Adam, batch 128) for one epoch of MNIST, validates and
tests. Each program is timed from its start to its end, imports and records included: ablab checks,
journals, checkpoints and delivers to MLflow; Ray Tune writes its results; Optuna a journal.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from against.training import learning_rates
from bare import Images
from measurements import format_median, format_ratio, parse_options, print_results

from ablab.config.compose import compose
from ablab.folders import data_folder
from ablab.model import build

HERE = Path(__file__).parent / "against"
MLP = [
    "dataset=mnist",
    "architecture=mlp",
    "architecture.widths=[64,128,64]",
    "normalization=batch",
    "trainer.max_epochs=1",
    "batch_size=128",
    "devices=cpu",
    "launcher.slots=2",
]
OURS = ("ablab", "ablab, fused")
NAMES = (*OURS, "Ray Tune", "Optuna, 2 threads", "Optuna, 2 processes")


def main() -> None:
    """Measure and report."""
    args = parse_options(__doc__ or "", 5, "number of trials, 64 by default")
    count = int(args.names[0]) if args.names else 64
    seconds: dict[str, list[float]] = {name: [] for name in NAMES}
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder, "images.pt")
        _write_images(images)
        for number in range(args.rounds):
            for name in NAMES:
                work = Path(folder, f"{name} {number}")
                work.mkdir()
                seconds[name].append(_timed(_command(name, images, count, work), work, count))
    hours = {name: [3600 * count / s for s in each] for name, each in seconds.items()}
    lines = [f"{name:<22}{format_median(hours[name], 'trials/h')}" for name in NAMES]
    others = [max(each) for each in zip(*(hours[n] for n in NAMES if n not in OURS), strict=True)]
    lines += [f"{name + ' / other':<22}{format_ratio(hours[name], others)}" for name in OURS]
    print_results(f"{__doc__ or ''}\n{count} trials:\n", lines, args.save)


def _write_images(path: Path) -> None:
    """Write the images of a trial, normalized, as the other programs read them."""
    data = Images(build.datamodule(compose(MLP).resolved()), torch.contiguous_format)
    parts = {"train": data.train, "val": data.val, "test": data.test}
    torch.save(
        {f"{p}_{n}": t for p, xy in parts.items() for n, t in zip("xy", xy, strict=True)}, path
    )


def _command(name: str, images: Path, count: int, work: Path) -> list[str]:
    if name in OURS:
        backend = ["backend=fused"] if name.endswith("fused") else []
        rates = ",".join(f"{lr:.6g}" for lr in learning_rates(count))
        return ["-m", "ablab", "train", "-m", *MLP, *backend, f"optimizer.lr={rates}"]
    if name == "Ray Tune":
        return [str(HERE / "ray_tune.py"), str(images), str(count), str(work)]
    how = "threads" if "threads" in name else "processes"
    return [str(HERE / "optuna_loop.py"), how, str(images), str(count), str(work)]


def _timed(command: list[str], work: Path, count: int) -> float:
    """Run a program and return its seconds; all its trials must have a result."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ABLAB_DATA": str(data_folder())}
    environment["ABLAB_HOME"] = str(work / "lab")
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - start
    expected = f"{count} finished; {count} trained now" if "ablab" in command else f"{count} "
    assert done.returncode == 0, done.stdout + done.stderr
    assert expected in done.stdout, done.stdout + done.stderr
    return seconds


if __name__ == "__main__":
    main()
