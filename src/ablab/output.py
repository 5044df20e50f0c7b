"""Standard output and error that hold up no work: nothing that is printed may end a training.

What a stream's encoding lacks is written as an escape. What cannot be written (a reader that is
gone, a full disk) is left out, and remembered for the command's exit code.
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


class _Descriptor(io.RawIOBase):
    """Writes to a descriptor what it takes.

    Args:
        descriptor: stays open when this is closed.

    Attributes:
        error: the first error of writing, or None.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.error: OSError | None = None

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Tell whether it is a terminal."""
        return os.isatty(self._descriptor)

    def write(self, data: object) -> int:
        """Write all of it, or leave it out."""
        view = memoryview(data).cast("B")  # type: ignore[arg-type]
        rest = view
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            self.error = self.error or error
        return len(view)


def stream(descriptor: int, encoding: str = "utf-8") -> TextIO:
    """Return a text stream to a descriptor that never raises; `fault_of` tells what was lost."""
    raw = _Descriptor(descriptor)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=True,
    )


def fault_of(text: TextIO) -> OSError | None:
    """Return why something was not written to a stream, None where nothing was lost.

    A reader that has gone away (``| head``) has what it wanted: that is no fault.
    """
    raw = getattr(getattr(text, "buffer", None), "raw", None)
    error = raw.error if isinstance(raw, _Descriptor) else None
    return None if isinstance(error, BrokenPipeError) else error


def guard() -> None:
    """Let this process's standard streams hold up no work, a closed one included.

    A descriptor from 0 to 2 that is closed would be given to the next file that is opened, and
    what is printed would land there: it is opened on nothing first.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for name, number in (("stdout", 1), ("stderr", 2)):
        current, first = getattr(sys, name), getattr(sys, f"__{name}__")
        if current is not first:  # another program's, such as a notebook's
            continue
        if current is not None:
            current.flush()
        setattr(sys, name, stream(number, getattr(current, "encoding", None) or "utf-8"))


@contextmanager
def sent_to(descriptor: int) -> Iterator[int]:
    """Send what this process prints, and its libraries write, to a descriptor, in UTF-8.

    Yields:
        The descriptor where errors went before: the terminal's, if there is one.
    """
    before = sys.stdout, sys.stderr
    for text in before:
        text.flush()
    saved = os.dup(1), os.dup(2)
    for number in (1, 2):
        os.dup2(descriptor, number)
    sys.stdout, sys.stderr = stream(1), stream(2)
    try:
        yield saved[1]
    finally:
        for text in (*before, sys.stdout, sys.stderr):
            text.flush()
        sys.stdout, sys.stderr = before
        for number, kept in zip((1, 2), saved, strict=True):
            os.dup2(kept, number)
            os.close(kept)
