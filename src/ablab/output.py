"""Standard output and error that never raise: a failed print must not end a training.

Characters that the encoding lacks are escaped. Output that cannot be written (the reader is gone,
the disk is full) is dropped, and the error is kept for the command's exit code.
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


class _Descriptor(io.RawIOBase):
    """Writes to a file descriptor, without raising.

    Args:
        descriptor: remains open when this is closed.

    Attributes:
        error: of the first failed write, or None.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.error: OSError | None = None

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Return whether the descriptor is a terminal."""
        return os.isatty(self._descriptor)

    def write(self, data: object) -> int:
        """Write the data, or drop what cannot be written."""
        view = memoryview(data).cast("B")  # type: ignore[arg-type]
        rest = view
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            self.error = self.error or error
        return len(view)


def open_stream(descriptor: int, encoding: str = "utf-8") -> TextIO:
    """Return a text stream to a descriptor that never raises; see `write_error` for lost output."""
    raw = _Descriptor(descriptor)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=True,
    )


def write_error(text: TextIO) -> OSError | None:
    """Return the error of the first failed write to a stream, None if all output was written.

    A reader that is gone (``| head``) is no error.
    """
    raw = getattr(getattr(text, "buffer", None), "raw", None)
    error = raw.error if isinstance(raw, _Descriptor) else None
    return None if isinstance(error, BrokenPipeError) else error


def protect_streams() -> None:
    """Replace this process's standard streams by ones that never raise, closed ones included.

    A closed descriptor from 0 to 2 is opened on the null device first: the next opened file would
    get its number, and prints would be written into that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
    for name, number in (("stdout", 1), ("stderr", 2)):
        current, first = getattr(sys, name), getattr(sys, f"__{name}__")
        if current is not first:  # replaced by another program, such as a notebook
            continue
        if current is not None:
            current.flush()
        setattr(sys, name, open_stream(number, getattr(current, "encoding", None) or "utf-8"))


@contextmanager
def redirect_to(descriptor: int) -> Iterator[int]:
    """Redirect standard output and error, those of C libraries included, to a descriptor.

    Yields:
        A descriptor of the previous standard error, such as the terminal.
    """
    before = sys.stdout, sys.stderr
    for text in before:
        text.flush()
    saved = os.dup(1), os.dup(2)
    for number in (1, 2):
        os.dup2(descriptor, number)
    sys.stdout, sys.stderr = open_stream(1), open_stream(2)
    try:
        yield saved[1]
    finally:
        for text in (*before, sys.stdout, sys.stderr):
            text.flush()
        sys.stdout, sys.stderr = before
        for number, kept in zip((1, 2), saved, strict=True):
            os.dup2(kept, number)
            os.close(kept)
