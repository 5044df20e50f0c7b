"""Every module has a test: of its own, of its folder, or one that is named here.

`tests/` mirrors `src/ablab`. A module without the test file that its path says is imported by a
test of the same folder, or is a part of a module of its folder that has one. What remains is in
`ELSEWHERE`, with the test that covers it.
"""

import ast
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SOURCE = TESTS.parent / "src" / "ablab"
ELSEWHERE: dict[str, str] = {
    "__main__": "test_cli.py",
    "api.listing": "api/test_api_listing.py",
    "api.models": "inference/test_load.py",
    "api.modules": "test_package.py",
    "bounds": "sweep/test_bounds_of_sweeps.py",
    "catalogue.data_check": "model/test_plain_data.py",
    "components.dataset.cifar10": "components/dataset/test_dataset_contract.py",
    "components.dataset.digits": "components/dataset/test_dataset_contract.py",
    "components.dataset.fashion_mnist": "components/dataset/test_dataset_contract.py",
    "components.dataset.mnist": "components/dataset/test_dataset_contract.py",
    "data.class_folders": "components/dataset/test_folder.py",
    "data.npz": "components/dataset/test_folder.py",
    "data.npz_file": "components/dataset/test_folder.py",
    "data.npz_labels": "components/dataset/test_folder.py",
    "model.preprocessing": "inference/test_evaluate.py",
    "report.analysis.cost": "report/page/test_sections.py",
    "report.analysis.probes": "report/page/test_figures.py",
    "report.export.json": "report/export/test_forms.py",
    "report.export.latex": "report/export/test_forms.py",
    "report.export.tidy": "report/export/test_forms.py",
    "report.kinds.best": "report/text/test_verdict.py",
    "report.kinds.equivalence": "report/text/test_verdict.py",
    "report.kinds.factors": "report/text/test_verdict_factors.py",
    "report.page.contrast_columns": "report/page/test_sections.py",
    "report.page.details": "report/page/test_sections.py",
    "report.page.variants_table": "report/page/test_sections.py",
    "report.space": "tracking/test_usage.py",
    "report.text.glossary": "test_docs.py",
    "signals": "api/test_training.py",
    "sweep.console.watchers": "sweep/test_engine.py",
    "sweep.launch.hydra_preload": "sweep/launch/test_hydra_launch.py",
    "sweep.launch.preload": "sweep/launch/test_launchers.py",
    "sweep.launch.ready": "sweep/launch/test_launchers.py",
    "sweep.tune.run": "sweep/tune/test_tuner.py",
    "sweep.tune.spec": "sweep/tune/test_tune_spec.py",
    "sweep.tune.winners": "sweep/tune/test_tuner.py",
    "tracking.kinds": "report/kinds/test_kinds.py",
    "tracking.leftovers": "catalogue/test_doctor.py",
    "tracking.model_export": "inference/test_export.py",
    "tracking.problem": "catalogue/test_doctor.py",
    "tracking.served_model": "inference/test_export.py",
    "tracking.store_check": "catalogue/test_doctor.py",
    "training.fused.measure": "sweep/test_fusion.py",
}


def _modules() -> dict[str, Path]:
    files = (p for p in SOURCE.rglob("*.py") if p.name != "__init__.py")
    parts = {p: p.relative_to(SOURCE.parent).with_suffix("").parts for p in files}
    return {".".join(names): p for p, names in parts.items() if "templates" not in names}


MODULES = _modules()


@cache
def imports(path: Path) -> frozenset[str]:
    """Return the modules of ablab that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return frozenset(names & MODULES.keys())


def folder(module: str) -> Path:
    """Return the folder of the tests of a module."""
    return TESTS / MODULES[module].relative_to(SOURCE).parent


def has_test(module: str) -> bool:
    """Return whether a test has the module's or its folder's name, or imports it in the folder."""
    name, tests = module.rpartition(".")[2], folder(module)
    if (tests / f"test_{name}.py").exists() or tests.with_name(f"test_{tests.name}.py").exists():
        return True
    return any(module in imports(path) for path in tests.glob("test_*.py"))


def is_part_of_tested(module: str) -> bool:
    """Return whether a module of the same folder that has a test imports it, also indirectly."""
    reached, new = {module}, [module]
    while new:
        imported = new.pop()
        users = {
            other
            for other, path in MODULES.items()
            if path.parent == MODULES[module].parent and imported in imports(path)
        }
        if any(has_test(user) for user in users):
            return True
        new += users - reached
        reached |= users
    return False


def test_no_module_elsewhere_is_gone() -> None:
    assert {f"ablab.{name}" for name in ELSEWHERE} <= MODULES.keys()


@pytest.mark.parametrize("module", sorted(MODULES))
def test_every_module_has_a_test(module: str) -> None:
    name = module.removeprefix("ablab.")
    if has_test(module) or is_part_of_tested(module):
        assert name not in ELSEWHERE
    else:
        assert (TESTS / ELSEWHERE[name]).exists()


def test_names_of_test_files_are_unique() -> None:
    """Without packages, pytest imports a file by its name alone."""
    names = Counter(path.name for path in TESTS.rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
