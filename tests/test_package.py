"""`import ablab` is fast, independent of earlier imports, and typed."""

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import ablab
from ablab.api import comparing, listing, models, modules, sweeping, training

NAMES = ["classifier", "compare", "datamodule", "list", "load", "report", "sweep", "train"]


def python(code: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_dir_lists_the_public_names() -> None:
    assert sorted(dir(ablab)) == ["__version__", *NAMES]
    for name in NAMES:
        assert getattr(ablab, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = ablab.trian  # type: ignore[attr-defined]


def test_public_names_are_the_functions_of_the_api() -> None:
    assert ablab.train is training.train
    assert ablab.compare is comparing.compare
    assert ablab.list is listing.list
    assert ablab.load is models.load
    assert (ablab.classifier, ablab.datamodule) == (modules.classifier, modules.datamodule)


def test_torch_is_not_imported_before_it_is_used(tmp_path: Path) -> None:
    code = "import sys, ablab; dir(ablab); ablab.sweep; ablab.report\nprint('torch' in sys.modules)"
    assert python(code, tmp_path) == "False\n"


@pytest.mark.parametrize(
    "first",
    [
        "import ablab",
        "import ablab.sweep",
        "import ablab.sweep.launch.launcher",
        "from ablab.sweep import launch; import ablab",
        "import ablab; ablab.sweep; import ablab.sweep.launch",
        "from ablab import sweep; import ablab",
    ],
)
def test_sweep_is_callable_after_any_imports(first: str, tmp_path: Path) -> None:
    code = (
        f"{first}\n"
        "import sys, types\n"
        "stub = types.ModuleType('stub')\n"  # the real one imports torch
        "stub.sweep = lambda *overrides, **options: (overrides, options['quiet'], options['a'])\n"
        "sys.modules['ablab.api.sweeping'] = stub\n"
        "print(ablab.sweep('demo', 'b=1', quiet=True, a=2))\n"
        "import ablab.sweep.launch\n"
        "print(ablab.sweep.launch.__name__, ablab.sweep('demo', a=3)[2])\n"
        "from ablab import sweep\n"
        "print(sweep is ablab.sweep is sys.modules['ablab.sweep'])"
    )
    assert python(code, tmp_path).splitlines() == [
        "(('demo', 'b=1'), True, 2)",
        "ablab.sweep.launch 3",
        "True",
    ]


def test_package_has_the_signature_of_the_function() -> None:
    called = inspect.signature(type(sys.modules["ablab.sweep"]).__call__)
    declared = list(inspect.signature(sweeping.sweep).parameters.values())
    assert list(called.parameters.values())[1:] == declared


USER = """
import ablab
import ablab.sweep.engine

trial = ablab.train("seed=1", activation="elu", trainer={"max_epochs": 2}, fresh=True)
reveal_type(trial)
reveal_type(trial.metrics["test/accuracy"])
result = ablab.sweep("demo", dataset="digits")
reveal_type(result)
reveal_type(result.read())
reveal_type(ablab.compare(result, "demo"))
reveal_type(ablab.list("activation"))
reveal_type(ablab.report.read("demo"))
reveal_type(ablab.classifier())
reveal_type(ablab.datamodule("digits"))
reveal_type(ablab.sweep.engine.run_sweep("demo"))  # the package has the type of the function
ablab.train(fresh="yes")
ablab.trian()
"""


@pytest.mark.slow
def test_mypy_of_a_user_sees_types(
    mypy: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "user.py").write_text(USER)
    done = mypy("user.py", cwd=tmp_path, path=[Path(ablab.__file__).parents[1]])
    messages = [line.split(": ", 2)[2] for line in done.stdout.splitlines() if "user.py:" in line]
    types = [line.split('"')[1].rpartition(".")[2] for line in messages if "Revealed" in line]
    assert types[:8] == [
        *("TrialResult", "float", "SweepResult", "Reading"),
        *("ComparisonResult", "Listing", "Reading", "Classifier"),
    ], done.stdout
    assert any('"train" has incompatible type "str"; expected "bool"' in line for line in messages)
    assert any('has no attribute "trian"' in line for line in messages)
