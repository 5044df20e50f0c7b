"""The trials by Optuna's own loop, from its queue, in two threads or two processes."""

import multiprocessing
import sys
from pathlib import Path
from typing import Any

from training import learning_rates, read_images, report, train


def objective(path: Path) -> Any:
    """Return the function that Optuna calls for each trial."""
    images = read_images(path)

    def trained(trial: Any) -> float:
        return train(images, trial.suggest_float("lr", 1e-4, 1e-2, log=True), seed=0)

    return trained


def study(folder: Path) -> Any:
    """Return the study, created by the first process that asks for it."""
    import optuna
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(
        storage=optuna.storages.JournalStorage(JournalFileBackend(str(folder / "journal"))),
        study_name="mlp",
        direction="maximize",
        sampler=optuna.samplers.RandomSampler(seed=0),  # not asked: the trials are in the queue
        load_if_exists=True,
    )


def work(path: Path, folder: Path, count: int) -> None:
    """Train some of the trials in this process."""
    study(folder).optimize(objective(path), n_trials=count)


def run(how: str, path: Path, count: int, folder: Path) -> None:
    """Train all trials, as ``how`` says: ``threads`` or ``processes``."""
    made = study(folder)
    for lr in learning_rates(count):
        made.enqueue_trial({"lr": lr})
    if how == "threads":
        made.optimize(objective(path), n_trials=count, n_jobs=2)
    else:
        context = multiprocessing.get_context("spawn")
        arguments = (path, folder, count // 2)
        workers = [context.Process(target=work, args=arguments) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    report(trial.value for trial in made.trials if trial.value is not None)


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
