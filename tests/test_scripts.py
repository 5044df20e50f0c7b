"""The scripts beside the package can be imported, and the lab that benchmarks write is a lab."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("benchmarks", "docs")
    for path in (ROOT / folder).rglob("*.py")
)
IMPORT = """
import importlib.util, sys
from pathlib import Path
for name in sys.argv[1:]:
    path = Path(name)
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(f"script_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    print(name)
"""
GROWN = """
from pathlib import Path
from synthetic import write_lab
lab = write_lab(Path("lab"), "grown", 2, 3, 1)
from ablab.cli import main
raise SystemExit(main(["report", "grown", "--offline"]))
"""


def test_there_are_scripts() -> None:
    assert {"benchmarks/report.py", "docs/catalogue.py"} <= set(SCRIPTS)


def test_every_script_finds_what_it_imports() -> None:
    command = [sys.executable, "-c", IMPORT, *SCRIPTS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == SCRIPTS, done.stderr[-2000:]


def test_the_lab_that_benchmarks_write_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "lab"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "benchmarks"))
    command = [sys.executable, "-c", GROWN]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "damaged" not in done.stdout
    assert (tmp_path / "lab" / "sweeps" / "grown" / "report" / "report.html").is_file()
