"""The global generators of torch, NumPy and Python, lent to code that knows no other."""

from ablab.streams import GlobalState, seed_global


class OwnGenerators:
    """A context in which the global generators draw from a stream of their own.

    It can be entered again and again: each time it goes on where it was left, and what is outside
    goes on as if it had not been. So what a user's loader draws while batches are asked for, and
    what the network draws between them, do not change each other. On the CPU; a loader's worker
    processes are seeded by torch from what it draws here.

    Args:
        seed: any integer.
        stream: what is drawn, in a word.
        position: where the stream starts (see `ablab.streams.derive`).
    """

    def __init__(self, seed: int, stream: str, *position: int) -> None:
        self._seed, self._stream, self._position = seed, stream, position
        self._own: GlobalState | None = None
        self._others: GlobalState | None = None

    def __enter__(self) -> None:
        self._others = GlobalState()
        if self._own is None:
            seed_global(self._seed, self._stream, *self._position)
        else:
            self._own.restore()

    def __exit__(self, *_: object) -> None:
        self._own = GlobalState()
        assert self._others is not None
        self._others.restore()
