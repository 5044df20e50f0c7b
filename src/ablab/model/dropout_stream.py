"""What a step of training draws from: restarted at each step, so that it can be replayed."""

import torch

from ablab import streams
from ablab.components.batch_generator import BatchGenerator


class DropoutStream:
    """Puts all generators at the stream of a step, for every evaluation of it.

    Dropout's own generator goes by (seed, epoch, step). Where it is a `BatchGenerator`, all
    processes draw for the whole batch from one stream, and nothing else draws in a step; else the
    rank counts too, and the global generators of torch, Python and NumPy, which a user's own layers
    may draw from, go by (seed, epoch, step, rank), so that nothing that draws between two steps
    shifts a step.

    Args:
        seed: the trial's.
        generator: what dropout draws from; None where nothing does.
    """

    def __init__(self, seed: int, generator: torch.Generator | None) -> None:
        self._seed, self._generator = seed, generator
        self._epoch, self._step, self._rank = 0, -1, 0
        self._device: torch.device | str = "cpu"

    def restart(
        self, epoch: int, rank: int, world_size: int, device: torch.device | str = "cpu"
    ) -> None:
        """Go to the start of an epoch, in a process.

        What is drawn before the first step, such as a loader's order, depends on the epoch alone.
        """
        self._epoch, self._step, self._rank, self._device = epoch, -1, rank, device
        if isinstance(self._generator, BatchGenerator):
            self._generator.rank, self._generator.world_size = rank, world_size
        streams.seed_global(self._seed, "global", epoch, rank, device=device)

    def begin(self, step: int) -> bool:
        """Be ready for a step of the epoch, and tell whether it was begun before."""
        repeated, self._step = step == self._step, step
        if isinstance(self._generator, BatchGenerator):  # the global ones cost a step of an MLP 3 %
            self._generator.manual_seed(streams.derive(self._seed, "dropout", self._epoch, step))
            return repeated
        position = self._epoch, step, self._rank
        if self._generator is not None:
            self._generator.manual_seed(streams.derive(self._seed, "dropout", *position))
        streams.seed_global(self._seed, "global", *position, device=self._device)
        return repeated

    def begin_update(self) -> None:
        """Be ready for the update of the weights, which all processes make alike."""
        position = self._epoch, self._step
        streams.seed_global(self._seed, "update", *position, device=self._device)

    def begin_evaluation(self, step: int, rank: int, device: torch.device | str) -> None:
        """Be ready for a batch that is evaluated: it draws alike whatever was trained before."""
        streams.seed_global(self._seed, "evaluation", step, rank, device=device)
