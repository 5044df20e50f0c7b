"""One LeNet-5 step on MNIST (batch 128, one thread): backend=by_hand against backend=torch."""

import time

import torch
from measurements import format_median, format_ratio, parse_options, print_results

from ablab.config.compose import compose
from ablab.model import build
from ablab.model.builder import Builder
from ablab.model.classifier import Classifier

BATCH, STEPS = 128, 5


def main() -> None:
    """Measure and report."""
    args = parse_options(__doc__ or "", 5)
    torch.set_num_threads(1)
    overrides = ["dataset=mnist", f"batch_size={BATCH}", "devices=cpu"]
    config = compose(overrides).resolved()
    data = build.datamodule(config)
    batch = next(iter(data.train_dataloader()))
    seconds: dict[str, list[float]] = {"torch": [], "by_hand": []}
    modules = {b: build.classifier({**config, "backend": b}, data) for b in seconds}
    for number in range(args.rounds + 1):
        for backend, module in modules.items():
            value = _step(module, config, batch)
            if number:  # the first round is a warm-up
                seconds[backend].append(value)
    lines = [
        f"torch            {format_median([1e3 * s for s in seconds['torch']], 'ms')}",
        f"by hand          {format_median([1e3 * s for s in seconds['by_hand']], 'ms')}",
        f"by hand / torch  {format_ratio(seconds['by_hand'], seconds['torch'])}",
    ]
    print_results(__doc__ or "", lines, args.save)


def _step(module: Classifier, config: dict, batch: tuple[torch.Tensor, torch.Tensor]) -> float:
    """Return the seconds of a step (forward, backward and update), the minimum of a few."""
    named_params = module.network.named_parameters()
    optimizer = Builder("optimizer", config["optimizer"])(named_params=named_params)
    minimum = float("inf")
    for _ in range(STEPS):
        start = time.perf_counter()
        optimizer.zero_grad()
        torch.autograd.backward(module.objective(module.network, *batch).cost)
        optimizer.step()
        minimum = min(minimum, time.perf_counter() - start)
    return minimum


if __name__ == "__main__":
    main()
