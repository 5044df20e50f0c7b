"""Archives that were made to do harm are refused in a line, before anything is in the lab."""

import io
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from archives import A, archive_of, contents, members, pack, plan_of, resealed, tar, write_sweep
from recorded import begin, finish

from ablab.errors import InputError
from ablab.tracking.archive.imports import import_archive
from ablab.tracking.archive.manifest import MANIFEST, File, Manifest
from ablab.tracking.lab import Lab

RUN = f"trials/{A}/001"
SHA = "0" * 64


@pytest.fixture
def archive(lab: Lab) -> bytes:
    write_sweep(lab)
    return archive_of(lab)


def _without(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name != "other/lab.json"}


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Import an archive, which must fail in one line and leave nothing; return the line."""

    def refuse(archive: bytes, check: Any = lambda _: ()) -> str:
        root = tmp_path / "other"
        outside = _without(contents(tmp_path))
        monkeypatch.setenv("ABLAB_HOME", str(root))
        with pytest.raises(InputError) as caught:
            import_archive(io.BytesIO(archive), check)
        text = str(caught.value)
        assert text.isprintable()
        assert "must" in text
        left = {path.name for path in root.rglob("*")}
        assert left <= {"lab.json", ".import.lock"}
        assert _without(contents(tmp_path)) == outside
        return text

    return refuse


def test_an_archive_packed_again_is_taken(
    archive: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests below change what this one leaves as it is."""
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "other"))
    assert len(import_archive(io.BytesIO(pack(members(archive))), lambda _: ()).added) == 3


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../outside",
        f"{RUN}/../../../../outside",
        f"{RUN}/./log.txt",
        f"{RUN}//log.txt",
        f"{RUN}/..",
        f"{RUN}/",
        f"{RUN}/.bashrc",
        f"{RUN}/a\x1b[31mb",
        f"{RUN}/a\nb",
        f"{RUN}/ä",
        f"{RUN}/{'x' * 200}",
        "sweep/part-1.json",
        "sweep/report/evil.js",
        "sweep/report/../../../x.html",
        "sweep/source.json",
        "trials/../x/001/log.txt",
        "trials/xyz/001/log.txt",
        f"trials/{A}/1/log.txt",
        "lab.json",
        "mlflow.db",
        "conf/activation/relu.yaml",
        "",
    ],
)
def test_names_outside_a_sweep_are_refused_by_the_manifest(
    archive: bytes, refused: Callable[..., str], name: str
) -> None:
    def add(manifest: Manifest) -> Manifest:
        return replace(manifest, files={**manifest.files, name: File(1, SHA)})

    assert "member" in refused(pack(members(archive), add))


@pytest.mark.parametrize(
    "name", ["lock", "runs.json", "discarded", "importing", "omitted.txt", "x.py"]
)
def test_files_that_are_no_record_of_a_run_are_refused(
    archive: bytes, refused: Callable[..., str], name: str
) -> None:
    content = {**members(archive), f"{RUN}/{name}": b"{}"}
    assert f"must have the files of its records alone, got {name}" in refused(pack(content))


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.DIRTYPE,
        tarfile.CONTTYPE,
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_SPARSE,
    ],
)
def test_members_that_are_no_plain_file_are_refused(
    archive: bytes, refused: Callable[..., str], kind: bytes
) -> None:
    content = members(archive)
    first = list(content)[1]
    harmless = [(MANIFEST, content[MANIFEST]), (first, b"")]
    text = refused(tar(harmless, type=kind, linkname="harmless"))
    assert "archive must hold files alone" in text


@pytest.mark.parametrize(
    ("file", "rule"),
    [
        (File(10**9, SHA), "be at most 200,000,000 bytes"),
        (File(10**18, SHA), "be at most 200,000,000 bytes"),
        (File(-1, SHA), "manifest"),
        (File(True, SHA), "manifest"),
        (File(1.5, SHA), "manifest"),  # type: ignore[arg-type]
        (File(1, "short"), "manifest"),
        (File(1, None), "manifest"),  # type: ignore[arg-type]
    ],
)
def test_sizes_beyond_reason_are_refused(
    archive: bytes, refused: Callable[..., str], file: File, rule: str
) -> None:
    def change(manifest: Manifest) -> Manifest:
        return replace(manifest, files={**manifest.files, f"{RUN}/log.txt": file})

    assert rule in refused(pack(members(archive), change))


def test_more_bytes_than_the_disk_has_are_refused_before_they_are_written(
    archive: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ablab.errors import ResourceError

    def change(manifest: Manifest) -> Manifest:
        many = {f"{RUN}/a{n}.safetensors": File(2 * 10**10, SHA) for n in range(5_000)}
        return replace(manifest, files={**manifest.files, **many})

    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "other"))
    with pytest.raises(ResourceError, match="free disk space must be at least"):
        import_archive(io.BytesIO(pack(members(archive), change)), lambda _: ())
    assert list((tmp_path / "other").rglob("*.json")) == [tmp_path / "other" / "lab.json"]


def test_more_files_than_a_sweep_can_have_are_refused(
    archive: bytes, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ablab.bounds import Bound

    few = Bound(5, "files", "a test")
    monkeypatch.setattr("ablab.tracking.archive.manifest.ARCHIVE_FILES", few)
    assert "be at most 5 files" in refused(archive)


def test_an_archive_that_ends_anywhere_is_refused(
    archive: bytes, refused: Callable[..., str]
) -> None:
    last = archive.rstrip(b"\0")
    for end in [0, 1, 511, 512, 700, *range(1024, len(last), len(last) // 60)]:
        refused(archive[:end])


def test_every_changed_byte_of_a_member_is_noticed(
    archive: bytes, refused: Callable[..., str]
) -> None:
    """Bytes of the padding and of unused fields of a header have no meaning."""
    content = members(archive)
    for name, data in content.items():
        if not data:
            continue
        at = archive.index(data)
        for place in (at, at + len(data) // 2, at + len(data) - 1):
            changed = bytearray(archive)
            changed[place] ^= 1
            refused(bytes(changed)), name


def test_members_must_be_those_of_the_manifest_in_its_order(
    archive: bytes, refused: Callable[..., str]
) -> None:
    content = list(members(archive).items())
    first, second, *rest = content[1:]
    manifest = content[0]
    assert "must go on with" in refused(tar([manifest, second, first, *rest]))
    assert "must go on with" in refused(tar([manifest, first, first, second, *rest]))
    assert "must go on with" in refused(tar([manifest, first, *rest]))
    assert "must end here" in refused(tar([*content, ("more", b"1")]))
    assert "starts with manifest.json" in refused(tar(content[1:]))
    assert "starts with manifest.json" in refused(tar([("manifest.json.x", b"{}")]))


@pytest.mark.parametrize("data", [b"", b"\0" * 2048, b"no tar" * 500, b"PK\x03\x04" + b"0" * 2000])
def test_other_files_are_refused(refused: Callable[..., str], data: bytes) -> None:
    refused(data)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        b'{"schema": 1}',
        b'{"schema":1,"sha256":0}',
        b"\xff",
    ],
)
def test_a_manifest_of_another_form_is_refused(refused: Callable[..., str], text: bytes) -> None:
    assert "archive must start with the manifest" in refused(tar([(MANIFEST, text)]))


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".x", "a\x1b[2J", 3, None, "x" * 300])
def test_the_name_of_a_sweep_cannot_leave_its_folder(
    archive: bytes, refused: Callable[..., str], name: Any
) -> None:
    assert refused(pack(members(archive), lambda manifest: replace(manifest, sweep=name)))


def _artifact(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["artifacts"].update({name: {"size": 1, "sha256": SHA}})


def _set(*path: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        *parents, leaf, value = path
        node: Any = content
        for parent in parents:
            node = node[parent]
        node[leaf] = value

    return change


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("completion.json", _artifact("../../../../etc/passwd")),
        ("completion.json", _artifact("/etc/passwd")),
        ("completion.json", _artifact("a\nb")),
        ("completion.json", _artifact("lock")),
        ("completion.json", _set("artifacts", "journal.jsonl", {"size": 3, "sha256": SHA})),
        ("completion.json", _set("metrics", "test/accuracy", 10**400)),
        ("completion.json", _set("metrics", "test/accuracy", "<script>")),
        ("completion.json", _set("facts", "parameters", "\x1b[31m")),
        ("completion.json", _set("facts", "test_images", 10**400)),
        ("completion.json", _set("key", "b" * 16)),
        ("completion.json", _set("outcome", "better")),
        ("completion.json", _set("schema", 99)),
        ("trial.json", _set("key", "b" * 16)),
        ("trial.json", _set("config", [])),
        ("environment.json", None),
    ],
)
def test_records_with_a_valid_seal_are_checked(
    archive: bytes,
    refused: Callable[..., str],
    file: str,
    change: Callable[[dict[str, Any]], None] | None,
) -> None:
    content, name = members(archive), f"{RUN}/{file}"
    content[name] = b"[1]" if change is None else resealed(content[name], change)
    refused(pack(content))


@pytest.mark.parametrize(
    "change",
    [
        _set("cells", 0, "key", "../../../etc"),
        _set("cells", 0, "key", "f" * 16),
        _set("trials", {"../..": {}}),
        _set("spec", "seeds", 10**9),
        _set("spec", "variants", 3),
        _set("kind", "extension"),
        _set("time", "now"),
    ],
)
def test_plans_with_a_valid_seal_are_checked(
    archive: bytes, refused: Callable[..., str], change: Callable[[dict[str, Any]], None]
) -> None:
    content = members(archive)
    content["sweep/part-001.json"] = resealed(content["sweep/part-001.json"], change)
    refused(pack(content))


def test_runs_that_the_plan_does_not_name_are_refused(
    lab: Lab, archive: bytes, refused: Callable[..., str]
) -> None:
    finish(begin(lab, epochs=2, key="d" * 16))
    plan_of(lab, ["d" * 16], "other")
    strange = members(archive_of(lab, "other"))
    more = {name: data for name, data in strange.items() if name.startswith("trials/")}
    text = refused(pack({**members(archive), **more}))
    assert "trials of its plan alone, got dddd" in text


def test_every_configuration_is_checked(archive: bytes, refused: Callable[..., str]) -> None:
    seen = []

    def check(trial: Any) -> list[str]:
        seen.append(trial["key"])
        return ["loss._target_ must be harmless, got another"] if len(seen) == 4 else []

    assert "loss._target_ must be harmless" in refused(archive, check)
    assert len(seen) == 4
