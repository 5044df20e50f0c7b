"""The trials by Ray Tune: a grid of learning rates, two trials at the same time."""

import sys
from pathlib import Path
from typing import Any

from training import learning_rates, read_images, report, train


def run(path: Path, count: int, folder: Path) -> None:
    """Train all trials."""
    import ray
    from ray import tune

    def trial(config: dict[str, Any]) -> dict[str, float]:
        return {"accuracy": train(read_images(path), config["lr"], seed=0)}

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    tuner = tune.Tuner(
        tune.with_resources(trial, {"cpu": 1}),
        param_space={"lr": tune.grid_search(learning_rates(count))},
        tune_config=tune.TuneConfig(metric="accuracy", mode="max"),
        run_config=tune.RunConfig(storage_path=str(folder), verbose=0),
    )
    report(result.metrics["accuracy"] for result in tuner.fit())


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
