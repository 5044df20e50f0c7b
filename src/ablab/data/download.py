"""One file over HTTP: resumed where it broke off, from the next mirror where one fails.

pooch retries and checks sums, but begins anew each time and knows no mirrors, and the sums it
checks are those of the .gz, which differ from mirror to mirror.
"""

import re
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import requests
from tqdm import tqdm

from ablab.data.errors import DataError
from ablab.errors import ResourceError

_TIMEOUT_SECONDS = 10, 30  # to connect, and between two pieces
_ATTEMPTS = 3  # in a row without a new byte
_PIECE = 1 << 14  # what a broken connection loses at the most


class _RefusedError(Exception):
    """This address will not serve the file, however often it is asked."""


def download(
    addresses: Sequence[str],
    path: Path,
    max_size: int,
    check: Callable[[Path], object],
    *,
    progress: bool = True,
    pause_seconds: float = 1.0,
) -> str:
    """Fetch ``path`` from the first of the addresses that yields what ``check`` accepts.

    What has come so far lies in ``<path>.part``, and a later call goes on from there.

    Args:
        addresses: of the same content; tried in order.
        path: appears whole and checked, or not at all.
        max_size: in bytes; a longer file is refused.
        check: raises `DataError` unless the file it is given is the right one.
        progress: show a bar.
        pause_seconds: before an address is asked again.

    Returns:
        The address that served it.

    Raises:
        DataError: no address served it, with each one's reason.
        ResourceError: the disk is too full.
    """
    part = path.with_name(f"{path.name}.part")
    job = _Download(part, max_size, check, progress, pause_seconds)
    reasons = []
    for address in addresses:
        try:
            job.checked(address)
        except (_RefusedError, requests.RequestException) as error:
            reasons.append(f"{address}: {error}")
        else:
            part.replace(path)
            return address
    raise DataError(f"{path.name} must come from one of its addresses, got {'; '.join(reasons)}")


def require_space(folder: Path, size: int) -> None:
    """Raise `ResourceError` unless ``size`` bytes fit on the disk of ``folder``."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise ResourceError(
            f"{folder} must have {size / 1e6:.0f} MB of free disk space, got {free / 1e6:.0f} MB"
        )


@dataclass(frozen=True)
class _Download:
    part: Path
    max_size: int
    check: Callable[[Path], object]
    progress: bool
    pause_seconds: float

    def checked(self, address: str) -> None:
        """Complete the part and check it; one that was resumed gets a second chance, whole."""
        resumed = self._size() > 0
        self._complete(address)
        try:
            self.check(self.part)
        except DataError as error:
            self.part.unlink()
            if not resumed:
                raise _RefusedError(error) from error
            self.checked(address)

    def _complete(self, address: str) -> None:
        """Ask until the file is whole, giving up when some attempts in a row bring nothing."""
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
        """Fetch what is lacking after ``start``, or all where the server knows no ranges."""
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        with requests.get(
            address, headers=headers, stream=True, timeout=_TIMEOUT_SECONDS
        ) as response:
            if start and response.status_code == requests.codes.requested_range_not_satisfiable:
                return  # nothing is lacking, or nothing is right: the check tells
            if 400 <= response.status_code < 500:
                raise _RefusedError(f"{response.status_code} {response.reason}")
            response.raise_for_status()
            self._save(response, start if _continues_at(response, start) else 0)

    def _save(self, response: requests.Response, start: int) -> None:
        lacking = int(response.headers.get("Content-Length", 0))
        self._require_size(start + lacking)
        require_space(self.part.parent, lacking)
        with (
            self.part.open("ab" if start else "wb") as stream,
            tqdm(
                desc=self.part.stem,
                initial=start,
                total=start + lacking if lacking else None,
                unit="B",
                unit_scale=True,
                disable=not self.progress,
            ) as bar,
        ):
            for piece in response.iter_content(_PIECE):
                stream.write(piece)
                bar.update(len(piece))
                self._require_size(stream.tell())

    def _require_size(self, size: int) -> None:
        if size > self.max_size:
            raise _RefusedError(f"it must be {self.max_size} bytes at the most, got {size}")

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0


def _continues_at(response: requests.Response, start: int) -> bool:
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return found is not None and int(found[1]) == start
