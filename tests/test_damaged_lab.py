"""Commands in a lab with damaged files: they name the file, and print no traceback."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ablab import cli

SWEEP = """\
# @package _global_
defaults:
  - override /dataset: digits
  - override /architecture: mlp
trainer:
  max_epochs: 1
batch_size: full
devices:
  accelerator: cpu
architecture:
  widths: [4]
sweep:
  question: Which activation?
  kind: best
  seeds: 2
  grid:
    activation: [relu, tanh]
"""
TRIAL = ["dataset=digits", "architecture=mlp", "architecture.widths=[4]", "trainer.max_epochs=1"]
TRIAL += ["batch_size=full", "activation=relu", "devices=cpu"]
CODES = {0, 1, 2, 74}

Damage = Callable[[Path], None]


def _write(content: bytes) -> Damage:
    return lambda path: path.write_bytes(content) and None


def _cut(share: float) -> Damage:
    def cut(path: Path) -> None:
        os.truncate(path, int(path.stat().st_size * share))

    return cut


def _flip(share: float) -> Damage:
    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        if content:  # a log may be empty
            content[int((len(content) - 1) * share)] ^= 4
        path.write_bytes(content)

    return flip


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _broken_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def _edit(change: Callable[[dict[str, Any]], None], *, sealed: bool) -> Damage:
    """Change a JSON object; unsealed, as ablab 0.1 wrote it: without a checksum."""

    def edit(path: Path) -> None:
        try:
            content = json.loads(path.read_text())
        except ValueError:
            content = {}
        if not isinstance(content, dict):
            content = {}
        if not sealed:
            content.pop("sha256", None)
            content["schema"] = 1 if "schema" in content else 0
        change(content)
        path.write_text(json.dumps(content))

    return edit


def _drop(content: dict[str, Any]) -> None:
    for name in list(content)[::2]:
        del content[name]


def _retype(value: Any) -> Callable[[dict[str, Any]], None]:
    def retype(content: dict[str, Any]) -> None:
        for name in content:
            if name not in ("sha256", "schema"):
                content[name] = value

    return retype


DAMAGES: dict[str, Damage] = {
    "emptied": _write(b""),
    "halved": _cut(0.5),
    "last byte missing": _cut(0.999),
    "bit at the start": _flip(0.01),
    "bit in the middle": _flip(0.5),
    "bit at the end": _flip(0.98),
    "a list": _write(b"[1, 2]"),
    "a number": _write(b"3"),
    "null": _write(b"null"),
    "NaN": _write(b"NaN"),
    "a huge number": _write(b"1" * 5000),
    "deep": _write(b"[" * 100_000),
    "no UTF-8": _write(b"\xff\xfe\x00{"),
    "NUL": _write(b"\0" * 64),
    "a folder": _folder,
    "a broken link": _broken_link,
    "missing": Path.unlink,
    "keys missing": _edit(_drop, sealed=True),
    "key added": _edit(lambda content: content.update(extra=1), sealed=True),
    "texts": _edit(_retype("x"), sealed=True),
    "0.1, keys missing": _edit(_drop, sealed=False),
    "0.1, key added": _edit(lambda content: content.update(extra=1), sealed=False),
    "0.1, texts": _edit(_retype("x"), sealed=False),
    "0.1, lists": _edit(_retype([]), sealed=False),
    "0.1, maps": _edit(_retype({"a": None}), sealed=False),
    "0.1, nulls": _edit(_retype(None), sealed=False),
}
RUN_FILES = [
    "trial.json",
    "journal.jsonl",
    "completion.json",
    "environment.json",
    "config.yaml",
    "best.safetensors",
    "test_correct.npy",
    "confusion_matrix.csv",
    "per_class.csv",
]
UNUSED = ["runs.json", "log.txt", "checkpoint.ckpt"]  # not needed, or recreated
LAB_FILES = ["lab.json", "mlflow.db", "sweeps/small/part-001.json", "baselines"]


class DamageableLab:
    """A lab with a finished sweep, restored after each damage."""

    def __init__(self, home: Path) -> None:
        self.home, self.lab, self.backup = home, home / "lab", home / "backup"
        shutil.copytree(self.lab, self.backup)
        self.key = next(iter(sorted(p.name for p in (self.lab / "trials").iterdir())))

    def path(self, name: str) -> Path:
        """Return a file of the first trial, or of the lab."""
        if name == "baselines":
            return next((self.lab / "baselines").iterdir())
        return (
            self.lab / name if name in LAB_FILES else self.lab / "trials" / self.key / "001" / name
        )

    @contextmanager
    def damaged(self, name: str, damage: Damage) -> Iterator[Path]:
        path = self.path(name)
        damage(path)
        try:
            yield path
        finally:
            shutil.rmtree(self.lab)
            shutil.copytree(self.backup, self.lab)
            _forget_removed_database()


def _forget_removed_database() -> None:
    """Let MLflow open the file that is there: it goes on with the old one, which lacks runs."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    for engine in SqlAlchemyStore._engine_map.values():
        engine.dispose()


COMMANDS: dict[str, Callable[[DamageableLab], list[str]]] = {
    "status": lambda _: ["status"],
    "status NAME": lambda _: ["status", "small"],
    "show": lambda lab: ["show", lab.key],
    "doctor": lambda _: ["doctor"],
    "sync": lambda _: ["sync"],
    "compare": lambda _: ["compare", "small", "small"],
    "report": lambda _: ["report", "small", "--offline"],
    "report --all": lambda _: ["report", "--all", "--offline"],
    "list": lambda _: ["list", "sweeps"],
    "sweep --dry-run": lambda _: ["sweep", "small", "--dry-run"],
    "train": lambda _: ["train", *TRIAL],
    "sync --rebuild": lambda _: ["sync", "--rebuild"],
}
QUICK = ["status", "status NAME", "show"]
NAMES_ALL = ("status NAME", "show", "doctor", "sync", "report")


@pytest.fixture(scope="module")
def lab(
    make_once: Callable[[str, Callable[[Path], None]], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DamageableLab]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        for name in ("MLFLOW_TRACKING_URI", "ABLAB_DATA"):
            patch.delenv(name, raising=False)
        patch.setattr("ablab.tracking.artifacts.draw", lambda *_: [])  # a second for each run
        shutil.copytree(make_once("finished_sweep", _finish_sweep), home, dirs_exist_ok=True)
        patch.setenv("ABLAB_HOME", str(home / "lab"))
        patch.chdir(home)
        yield DamageableLab(home)


def _finish_sweep(home: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ABLAB_HOME", str(home / "lab"))
        patch.chdir(home)
        (home / "sweeps").mkdir()
        (home / "sweeps" / "small.yaml").write_text(SWEEP)
        assert cli.main(["sweep", "small"]) == 0
        assert cli.main(["baselines", "digits"]) == 0
    for weights in home.glob("lab/trials/*/001/best.safetensors"):
        # versions of before left the checkpoint of a finished run
        shutil.copy(weights, weights.with_name("checkpoint.ckpt"))


def run(
    lab: DamageableLab, commands: list[str], capfd: pytest.CaptureFixture[str]
) -> dict[str, tuple[int, str]]:
    """Run commands; return the exit code and the output of each."""
    results = {}
    for name in commands:
        code = cli.main(COMMANDS[name](lab))
        out, error = capfd.readouterr()
        results[name] = code, (out + error).replace("\n", "")
        assert code in CODES, (name, code)
        assert "Traceback" not in out + error, (name, error)
    return results


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("completion.json", "bit in the middle"),
        ("completion.json", "0.1, maps"),
        ("trial.json", "key added"),
        ("journal.jsonl", "bit in the middle"),
        ("environment.json", "a list"),
        ("test_correct.npy", "a folder"),
        ("sweeps/small/part-001.json", "texts"),
        ("sweeps/small/part-001.json", "0.1, keys missing"),
    ],
)
def test_damage_is_named_without_a_traceback(
    lab: DamageableLab, name: str, damage: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with lab.damaged(name, DAMAGES[damage]) as path:
        results = run(lab, QUICK, capfd)
    for command, (code, output) in results.items():
        assert code in (1, 2), command
        assert str(path) in output, command


@pytest.mark.parametrize("name", [*RUN_FILES, "sweeps/small/part-001.json"])
def test_an_unreadable_file_is_named(
    lab: DamageableLab,
    name: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, opened = lab.path(name), Path.open

    def refuse(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self == path:
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    results = run(lab, QUICK, capfd)
    if name != "best.safetensors":  # compared by its size only
        assert all(str(path) in out and code in (1, 74) for code, out in results.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", [*RUN_FILES, *UNUSED, *LAB_FILES])
def test_no_command_prints_a_traceback_for_any_damage(
    lab: DamageableLab, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each file has every third damage, the next files the others."""
    counts: dict[int, int] = {}
    first = [*RUN_FILES, *UNUSED, *LAB_FILES].index(name) % 3
    for number, (damage, do) in enumerate(list(DAMAGES.items())[first::3]):
        # all commands for one damage of each file, the quick ones for all damages
        slower = ["sync"] if number % 3 else []
        commands = list(COMMANDS) if number == 0 else [*QUICK, *slower]
        with lab.damaged(name, do) as path:
            same = (
                path.is_file()
                and path.read_bytes() == (lab.backup / path.relative_to(lab.lab)).read_bytes()
            )
            results = run(lab, commands, capfd)
        for code, _ in results.values():
            counts[code] = counts.get(code, 0) + 1
        if name in RUN_FILES and not same and not _is_undetectable(name, damage):
            for command in set(commands) & set(NAMES_ALL):
                assert str(path) in results[command][1], (damage, command, results[command])
                assert results[command][0] != 0, (damage, command)
    assert sum(counts.values()) > 30


def _is_undetectable(name: str, damage: str) -> bool:
    """Return whether it is no damage: weights are compared by size, a trial may be unfinished."""
    weights = name == "best.safetensors" and damage.startswith("bit")
    return weights or (name, damage) == ("completion.json", "missing")
