"""Archives of a small sweep, as they are and with changed members."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from recorded import begin, finish, trial

from ablab.tracking.archive.decision import ImportResult
from ablab.tracking.archive.export import make_export
from ablab.tracking.archive.imports import import_archive
from ablab.tracking.archive.manifest import MANIFEST, File, Manifest, read_manifest
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell, Part, find_plan, write_part
from ablab.tracking.sealed import checksum
from ablab.tracking.spec import read_spec

SWEEP = "mine"
A, B, C = "a" * 16, "b" * 16, "c" * 16
KEYS = (A, B, C)


PLANNED = 1.5  # seconds since 1970
QUESTION: dict[str, Any] = {"question": "Which?"}


def plan_of(lab: Lab, keys: Sequence[str] = KEYS, sweep: str = SWEEP, **config: Any) -> None:
    cells = tuple(Cell("relu", seed, "digits", key) for seed, key in enumerate(keys))
    spec = {"seeds": len(keys), "variants": {"relu": {}}} | QUESTION
    trials = {key: trial(key, **config) for key in keys}
    write_part(
        lab.sweep_folder(sweep),
        Part("comparison", PLANNED, f"ablab sweep {sweep}", read_spec(spec), cells, trials),
    )


def write_sweep(lab: Lab, **config: Any) -> None:
    """Write a plan, two finished trials, one that was stopped, and a report."""
    plan_of(lab, **config)
    for key in (A, B):
        finish(begin(lab, epochs=2, key=key, **config))
    (begin(lab, epochs=1, key=C, **config).folder / "checkpoint.ckpt").write_bytes(b"state")
    report = lab.sweep_folder(SWEEP) / "report"
    report.mkdir()
    (report / "report.html").write_text("<h1>Which?</h1>")
    (report / "notes.exe").write_text("not of a report")


def archive_of(lab: Lab, sweep: str = SWEEP, *, weights: bool = True) -> bytes:
    stream = io.BytesIO()
    make_export(lab, find_plan(lab, sweep), weights=weights).write(stream)
    return stream.getvalue()


def members(archive: bytes) -> dict[str, bytes]:
    """Return the content of each member by its name, the manifest included."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        found = {}
        for member in opened:
            content = opened.extractfile(member)
            assert content is not None
            found[member.name] = content.read()
        return found


def pack(
    content: Mapping[str, bytes], change: Callable[[Manifest], Manifest] | None = None
) -> bytes:
    """Return an archive with a manifest that fits its members, unless it is changed."""
    own = {name: data for name, data in content.items() if name != MANIFEST}
    files = {n: File(len(data), hashlib.sha256(data).hexdigest()) for n, data in own.items()}
    manifest = replace(read_manifest(content[MANIFEST]), files=files)
    manifest = change(manifest) if change else manifest
    return tar([(MANIFEST, manifest.encode()), *own.items()])


def tar(content: Sequence[tuple[str, bytes]], **header: Any) -> bytes:
    """Return a tar file; ``header`` is set in the last member."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for number, (name, data) in enumerate(content, start=1):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            for key, value in (header if number == len(content) else {}).items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def import_into(root: Path, archive: bytes, patch: Any, **options: Any) -> ImportResult:
    """Import an archive into the lab in a folder; configurations are not checked."""
    patch.setenv("ABLAB_HOME", str(root))
    return import_archive(io.BytesIO(archive), lambda _: (), **options)


def contents(root: Path) -> dict[str, bytes]:
    """Return every file of a lab but its locks."""
    files = (path for path in root.rglob("*") if path.is_file())
    return {
        str(path.relative_to(root)): path.read_bytes() for path in files if "lock" not in path.name
    }


def resealed(data: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """Return a changed record with a checksum that fits."""
    content = json.loads(data)
    content.pop("sha256", None)
    change(content)
    return json.dumps({**content, "sha256": checksum(content)}).encode()
