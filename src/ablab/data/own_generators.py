"""Separate states of the global generators of torch, NumPy and Python for users' code."""

from ablab.streams import GlobalState, seed_global


class OwnGenerators:
    """Context in which the global generators draw from a stream of their own.

    It can be entered repeatedly: each time the stream continues where it was left, and on exit the
    outer state is restored. So a user's loader, while it yields batches, and the network between
    them do not change each other's draws. On the CPU alone; torch seeds a loader's worker
    processes from this stream.

    Args:
        seed: any integer.
        stream: name of the stream.
        position: further integers of the stream's name (see `ablab.streams.derive`).
    """

    def __init__(self, seed: int, stream: str, *position: int) -> None:
        self._seed, self._stream, self._position = seed, stream, position
        self._own: GlobalState | None = None
        self._outer: GlobalState | None = None

    def __enter__(self) -> None:
        self._outer = GlobalState()
        if self._own is None:
            seed_global(self._seed, self._stream, *self._position)
        else:
            self._own.restore()

    def __exit__(self, *_: object) -> None:
        self._own = GlobalState()
        assert self._outer is not None
        self._outer.restore()
