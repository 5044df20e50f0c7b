"""What dropout draws from: restarted each epoch, replayed where a step sees its batch again."""

import torch

from ablab import streams


class DropoutStream:
    """A generator that draws alike for every evaluation of one step.

    Args:
        seed: the trial's.
        generator: what dropout draws from; None where nothing does.
    """

    def __init__(self, seed: int, generator: torch.Generator | None) -> None:
        self._seed, self._generator = seed, generator
        self._step = -1
        self._state = torch.empty(0)

    def restart(self, epoch: int, rank: int) -> None:
        """Go to the start of an epoch, in a process."""
        self._step = -1
        if self._generator is not None:
            self._generator.manual_seed(streams.derive(self._seed, "dropout", epoch, rank))

    def begin(self, step: int) -> bool:
        """Be ready for a step of the epoch, and tell whether it was begun before."""
        repeated, self._step = step == self._step, step
        if self._generator is not None:
            if repeated:
                self._generator.set_state(self._state)
            else:
                self._state = self._generator.get_state()
        return repeated
