"""docs/by_hand.md is what the docstrings and the source of today say."""

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import matplotlib as mpl
import pytest

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "src" / "ablab" / "reference"
PINNED = re.search(r"^matplotlib==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(ROOT / "docs"), *sys.path])
        patch.setattr(sys, "dont_write_bytecode", True)
        return importlib.import_module("by_hand")


def test_the_page_is_current(maker: ModuleType) -> None:
    assert maker.PAGE.read_text("utf-8") == maker.page()


def test_every_module_by_hand_is_on_the_page(maker: ModuleType) -> None:
    names = {p.stem for p in REFERENCE.glob("*.py")}
    assert names - {"__init__", "identities"} == set(maker.MODULES)


def test_every_picture_is_shown_and_there(maker: ModuleType) -> None:
    shown = set(re.findall(r'src="pictures/by_hand/(.*?)\.svg"', maker.page()))
    assert shown == set(maker.by_hand_pictures.DRAWINGS)
    assert shown == {path.stem for path in maker.PICTURES.iterdir()}


@pytest.mark.parametrize("name", ["convolution.cross_correlation", "update.adam"])
def test_pictures_are_current(maker: ModuleType, name: str) -> None:
    assert PINNED is not None
    if mpl.__version__ != PINNED[1]:
        pytest.skip(f"drawn by matplotlib {PINNED[1]}, here is {mpl.__version__}")
    kept = (maker.PICTURES / f"{name}.svg").read_text("utf-8")
    assert maker.by_hand_pictures.svg(name) == kept
    assert ElementTree.fromstring(kept).tag.endswith("svg")
