"""What recording costs a LeNet-5 MNIST trial (3 epochs, batch 128, one thread), and its delivery.

Recording: each epoch's best weights, checkpoint and journal line; at the end confidences, confident
mistakes, tables, filters and completion record. Delivery is outside the trial: logging to SQLite,
and of that, drawing the pictures.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from measurements import format_median, parse_options, print_results

from ablab.config.compose import compose
from ablab.config.trial import Trial, resolve
from ablab.model.mistakes import Mistakes
from ablab.tracking import artifacts
from ablab.tracking.delivery import deliver
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.tracking.store import Store
from ablab.training import process, run
from ablab.training.recorder import Recorder
from ablab.training.settings import Devices, ProcessSettings

EPOCHS, THREADS = 3, 1
SETTINGS = ProcessSettings(Devices("cpu"), THREADS)
STARTING = [(process, "_record_start")]
EACH_EPOCH = [(Recorder, "on_train_epoch_end")]
# Nested calls are counted once: none of these calls another.
PICTURE_DATA = [(Mistakes, "add"), (run, "gather_test"), (run, "write_picture_data")]
ENDING = [(run, "write_tables"), (run, "describe"), (run, "write_completion")]
DRAWING = [(artifacts, "draw")]


class Clock:
    """Sums the time of some functions, wherever they are called.

    Attributes:
        seconds: by name of the function, since the last `reset`.
    """

    def __init__(self, functions: list[tuple[Any, str]]) -> None:
        self.seconds: dict[str, float] = {name: 0.0 for _, name in functions}
        for owner, name in functions:
            setattr(owner, name, self._timed(name, getattr(owner, name)))

    def reset(self) -> None:
        """Start again from zero."""
        self.seconds = dict.fromkeys(self.seconds, 0.0)

    def of(self, functions: list[tuple[Any, str]]) -> float:
        """Return the seconds of some of the functions."""
        return sum(self.seconds[name] for _, name in functions)

    def _timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds[name] += time.perf_counter() - start

        return timed


def main() -> None:
    """Measure and report."""
    args = parse_options(__doc__ or "", 5)
    torch.set_num_threads(THREADS)
    names = ("wall", "epoch", "share", "pictures", "end", "delivery", "drawing")
    measured: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ABLAB_HOME"] = f"{folder}/lab"
        lab = Lab.open()
        trial = resolve(compose(["dataset=mnist", f"trainer.max_epochs={EPOCHS}"]))
        clock = Clock([*STARTING, *EACH_EPOCH, *PICTURE_DATA, *ENDING, *DRAWING])
        store = Store.open(lab)
        for number in range(args.rounds + 1):
            values = _measure(lab, trial, clock, store)
            for name, value in values.items() if number else ():  # the first one is a warm-up
                measured[name].append(value)
    labels = {
        "wall": ("a trial", "s"),
        "share": ("recording's share of it", "%"),
        "epoch": ("recording an epoch", "ms"),
        "end": ("recording at start and end", "ms"),
        "pictures": ("of that, data of pictures", "ms"),
        "delivery": ("delivery, one trial", "ms"),
        "drawing": ("of that, five pictures", "ms"),
    }
    lines = [f"{text:30}{format_median(measured[n], u)}" for n, (text, u) in labels.items()]
    print_results(__doc__ or "", lines, args.save)


def _measure(lab: Lab, trial: Trial, clock: Clock, store: Store) -> dict[str, float]:
    """Train and deliver one trial; return seconds, milliseconds and a share in percent."""
    trained: Run = lab.new_run(trial.as_dict())
    clock.reset()
    start = time.perf_counter()
    assert process.run_process(Path(trained.folder), SETTINGS) == 0
    wall = time.perf_counter() - start
    epochs, pictures = clock.of(EACH_EPOCH), clock.of(PICTURE_DATA)
    end = pictures + clock.of(STARTING) + clock.of(ENDING)
    start = time.perf_counter()
    assert deliver(trained, store, "benchmark", name="benchmark", tags={}).complete
    return {
        "wall": wall,
        "share": 100 * (epochs + end) / wall,
        "epoch": 1000 * epochs / EPOCHS,
        "end": 1000 * end,
        "pictures": 1000 * pictures,
        "delivery": 1000 * (time.perf_counter() - start),
        "drawing": 1000 * clock.of(DRAWING),
    }


if __name__ == "__main__":
    main()
