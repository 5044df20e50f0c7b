"""Downloads a file over HTTP: resumes after interruptions, and falls back to other mirrors.

pooch retries and checks hashes, but restarts each time and has no mirrors, and the hashes it checks
are those of the .gz, which differ from mirror to mirror.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import requests
from tqdm import tqdm

from ablab.data.errors import DataError
from ablab.disk import require_space

_TIMEOUT_SECONDS = 10, 30  # to connect, and between two chunks
_ATTEMPTS = 3  # in succession without a new byte
_CHUNK = 1 << 14  # bytes that a broken connection loses at most


class _RefusedError(Exception):
    """An address does not serve the file, so that another attempt is useless."""


def download(
    addresses: Sequence[str],
    path: Path,
    max_size: int,
    check: Callable[[Path], object],
    *,
    progress: bool = True,
    pause_seconds: float = 1.0,
) -> str:
    """Download ``path`` from the first address whose file passes ``check``.

    A partial download stays in ``<path>.part``, and a later call resumes it.

    Args:
        addresses: of the same content; tried in order.
        path: appears complete and checked, or not at all.
        max_size: in bytes; a longer file is refused.
        check: raises `DataError` unless the file is the right one.
        progress: show a bar.
        pause_seconds: before an address is tried again.

    Returns:
        The address that served the file.

    Raises:
        DataError: no address served it; gives each one's reason.
        ResourceError: the disk is too full.
    """
    part = path.with_name(f"{path.name}.part")
    job = _Download(part, max_size, check, progress, pause_seconds)
    reasons = []
    for address in addresses:
        try:
            job.run(address)
        except (_RefusedError, requests.RequestException) as error:
            reasons.append(f"{address}: {error}")
        else:
            part.replace(path)
            return address
    raise DataError(f"{path.name} must come from one of its addresses, got {'; '.join(reasons)}")


@dataclass(frozen=True)
class _Download:
    part: Path
    max_size: int
    check: Callable[[Path], object]
    progress: bool
    pause_seconds: float

    def run(self, address: str) -> None:
        """Complete the partial file and check it; a resumed one that fails is restarted once."""
        resumed = self._size() > 0
        self._complete(address)
        try:
            self.check(self.part)
        except DataError as error:
            self.part.unlink()
            if not resumed:
                raise _RefusedError(error) from error
            self.run(address)

    def _complete(self, address: str) -> None:
        """Retry until the file is complete, or `_ATTEMPTS` in succession bring no new byte."""
        attempts = 0
        while True:
            before = self._size()
            try:
                self._continue(address, before)
                return
            except requests.RequestException:
                attempts = 1 if self._size() > before else attempts + 1
                if attempts >= _ATTEMPTS:
                    raise
            time.sleep(self.pause_seconds)

    def _continue(self, address: str, start: int) -> None:
        """Download the rest after ``start``, or all where the server does not support ranges."""
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        with requests.get(
            address, headers=headers, stream=True, timeout=_TIMEOUT_SECONDS
        ) as response:
            if start and response.status_code == requests.codes.requested_range_not_satisfiable:
                return  # the file is complete or wrong: the check decides
            if 400 <= response.status_code < 500:
                raise _RefusedError(f"{response.status_code} {response.reason}")
            response.raise_for_status()
            self._save(response, start if _continues_at(response, start) else 0)

    def _save(self, response: requests.Response, start: int) -> None:
        remaining = int(response.headers.get("Content-Length", 0))
        self._require_size(start + remaining)
        require_space(self.part.parent, remaining, "to download")
        with (
            self.part.open("ab" if start else "wb") as stream,
            tqdm(
                desc=self.part.stem,
                initial=start,
                total=start + remaining if remaining else None,
                unit="B",
                unit_scale=True,
                disable=not self.progress,
            ) as bar,
        ):
            for chunk in response.iter_content(_CHUNK):
                stream.write(chunk)
                bar.update(len(chunk))
                self._require_size(stream.tell())

    def _require_size(self, size: int) -> None:
        if size > self.max_size:
            raise _RefusedError(f"it must be {self.max_size} bytes at the most, got {size}")

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0


def _continues_at(response: requests.Response, start: int) -> bool:
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return match is not None and int(match[1]) == start
