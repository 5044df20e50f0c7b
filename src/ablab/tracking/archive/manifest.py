"""The first member of an archive: what it holds, with the size and SHA-256 of each file."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ablab.bounds import ARCHIVE_FILES, ARTIFACT_BYTES, RECORD_BYTES
from ablab.errors import InputError
from ablab.folders import folder_name, is_file_name
from ablab.text import format_name, format_value
from ablab.tracking.sealed import checksum
from ablab.tracking.search import SEARCH

MANIFEST = "manifest.json"
PART = re.compile(r"sweep/part-\d{3,6}\.json")
SEARCH_FILE = f"sweep/{SEARCH}"
REPORT = re.compile(r"sweep/report/[\w-]+\.(?:html|md|json|csv|tex|pdf)", re.ASCII)
RUN_FILE = re.compile(r"trials/(?P<key>[0-9a-f]{16})/(?P<run>\d{3,6})/(?P<file>.+)")
_SCHEMA = 1
_SUM = "sha256"
_SHA = re.compile("[0-9a-f]{64}")
_LONGEST = 100  # bytes of a member's name: the oldest tar format holds them


@dataclass(frozen=True)
class File:
    """Size in bytes and SHA-256 of a file in an archive."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Stores what an archive holds.

    Attributes:
        sweep: name of the sweep's folder.
        files: by name of the member, in the order of the archive.
        host: where it was written.
        ablab: version that wrote it.
        time: seconds since 1970.
    """

    sweep: str
    files: Mapping[str, File]
    host: str
    ablab: str
    time: float

    def encode(self) -> bytes:
        """Return the manifest as JSON, with its schema and a checksum of its own."""
        content = {"schema": _SCHEMA, **asdict(self)}
        return json.dumps({**content, _SUM: checksum(content)}, indent=1).encode() + b"\n"

    @property
    def plan_files(self) -> dict[str, str]:
        """SHA-256 of each part of the plan, by the name of its file."""
        return {
            name.rpartition("/")[2]: file.sha256
            for name, file in self.files.items()
            if PART.fullmatch(name)
        }


def read_manifest(text: bytes) -> Manifest:
    """Return the manifest in an archive's first member, all names and sizes checked.

    Raises:
        InputError: it is no manifest, or lists what an archive must not hold; nothing was written.
    """
    try:
        content = json.loads(text)
        stored = content.pop(_SUM)
        if content.pop("schema") != _SCHEMA or stored != checksum({"schema": _SCHEMA, **content}):
            raise InputError("another schema or checksum")
        files = {name: File(**file) for name, file in content.pop("files").items()}
        manifest = Manifest(**content, files=files)
        _check_types(manifest)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(
            f"archive must start with the manifest of `ablab export-lab`, got another: "
            f"{format_name(error)}"
        ) from error
    check_sweep_name(manifest.sweep)
    faults = ARCHIVE_FILES.fault("archive", len(files))
    faults += [fault for name, file in manifest.files.items() for fault in _faults(name, file)]
    if faults:
        raise InputError("\n".join(faults[:5]))
    return manifest


def check_sweep_name(name: str) -> None:
    """Check that a sweep may have this name as the name of its folder.

    Raises:
        InputError: it may not.
    """
    if not is_file_name(name) or folder_name(name) != name or name.startswith("."):
        raise InputError(f"sweep must be the name of a folder, got {format_value(name)}")


def is_record(name: str) -> bool:
    """Return whether a file is read as a whole, so that its size is bounded."""
    return name.endswith((".json", ".jsonl", ".csv", ".npy", ".txt", ".yaml"))


def member_fault(name: str) -> str:
    """Return why a member must not be in an archive, empty if it may."""
    parts = name.split("/")
    run_file = RUN_FILE.fullmatch(name)
    if not all(map(is_file_name, parts)) or not name.isascii() or len(name) > _LONGEST:
        return "be a short relative path of plain names"
    if run_file and any(part.startswith(".") for part in parts):
        return "have no hidden file"
    is_plan = PART.fullmatch(name) or name == SEARCH_FILE
    if not (run_file or is_plan or REPORT.fullmatch(name)):
        return "be a file of a run, a plan or a report"
    return ""


def _faults(name: str, file: File) -> list[str]:
    subject = f"member {format_name(name)}"
    if rule := member_fault(name):
        return [f"{subject} must {rule}, got another"]
    bound = RECORD_BYTES if is_record(name) else ARTIFACT_BYTES
    return bound.fault(subject, file.size)


def _check_types(manifest: Manifest) -> None:
    texts = (manifest.sweep, manifest.host, manifest.ablab)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("names must be text")
    if not isinstance(manifest.time, int | float):
        raise TypeError("time must be a number")
    for file in manifest.files.values():
        if type(file.size) is not int or file.size < 0 or not _SHA.fullmatch(file.sha256):
            raise TypeError("files must have a size and a SHA-256")


def as_context(manifest: Manifest) -> dict[str, Any]:
    """Return where an archive comes from, to be kept beside the plan."""
    return {key: getattr(manifest, key) for key in ("sweep", "host", "ablab", "time")}
