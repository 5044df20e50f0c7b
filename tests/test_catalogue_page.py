"""docs/catalogue.md has every component, as its YAML sets it; the formulas are what torch computes.

Out of date? `make docs`.
"""

import importlib
import math
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import yaml
from torch import nn

from ablab.catalogue.listing import Component, of_axis
from ablab.config.groups import AXES
from ablab.model.builder import Builder
from ablab.model.targets import resolve

ROOT = Path(__file__).parents[1]
COMPONENTS = [component for axis in AXES for component in of_axis(axis)]
TEXT = (ROOT / "docs" / "catalogue.md").read_text("utf-8")
SMALL = ("lenet5", "lenet5_1998", "resnet20", "mlp", "tdnn", "lstm")


def by_name(component: Component) -> str:
    return f"{component.axis}-{component.name}"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(ROOT / "docs"), *sys.path])
        patch.setattr(sys, "dont_write_bytecode", True)
        return importlib.import_module("catalogue")


def rows() -> dict[str, dict[str, str]]:
    """The page's rows by axis and component."""
    parts = re.split(r"^## (\w+)$", TEXT, flags=re.MULTILINE)[1:]
    return {
        axis: dict(re.findall(r"<tr><td><b>(\w+)</b></td>\n(.*?)</tr>", text, re.DOTALL))
        for axis, text in zip(parts[::2], parts[1::2], strict=True)
    }


def test_the_page_has_the_components_that_there_are() -> None:
    expected = {axis: [component.name for component in of_axis(axis)] for axis in AXES}
    assert {axis: list(found) for axis, found in rows().items()} == expected, "run make docs"


@pytest.mark.parametrize("component", COMPONENTS, ids=by_name)
def test_hyperparameters_are_current(maker: ModuleType, component: Component) -> None:
    row = rows()[component.axis][component.name]
    assert maker.settings(component) in row, "run make docs"
    for name, value in component.hyperparameters.items():
        assert f"<code>{name}={maker.html.escape(value, quote=False)}</code>" in row


def test_every_picture_is_shown_and_there(maker: ModuleType) -> None:
    shown = set(re.findall(r'src="pictures/catalogue/(.*?)\.svg"', TEXT))
    drawn = {
        maker.picture_name(each)
        for each in COMPONENTS
        if maker.catalogue_pictures.drawing_of(each) is not None
    }
    assert shown == drawn, "run make docs"
    assert shown == {path.stem for path in maker.PICTURES.iterdir()}, "run make docs"
    assert max(path.stat().st_size for path in maker.PICTURES.iterdir()) < 30_000


def test_every_picture_can_be_drawn_and_is_the_same_twice(maker: ModuleType) -> None:
    for axis in ("activation", "augmentation", "initializer", "loss", "pooling", "scheduler"):
        draw = maker.catalogue_pictures.drawing_of(of_axis(axis)[0])
        text = maker.drawing.svg(draw)
        assert text == maker.drawing.svg(draw), axis
        assert "<svg" in text


@pytest.mark.parametrize("name", SMALL)
def test_costs_are_current(maker: ModuleType, name: str) -> None:
    (component,) = (each for each in of_axis("architecture") if each.name == name)
    assert maker.cost_row(component) in TEXT, "run make docs"


def test_every_network_has_its_costs() -> None:
    names = re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)
    assert names == [component.name for component in of_axis("architecture")], "run make docs"


@pytest.mark.slow
def test_all_costs_are_current(maker: ModuleType) -> None:
    assert maker.cost_rows() in TEXT, "run make docs"


def torchs(axis: str, known: str) -> list[Any]:
    """The components whose target is torch's."""
    found = [each for each in of_axis(axis) if each.target.startswith(known)]
    assert found
    return [pytest.param(each, id=by_name(each)) for each in found]


def hyperparameters(component: Component) -> dict[str, Any]:
    node = yaml.safe_load(component.path.read_text("utf-8"))
    return {key: value for key, value in node.items() if key != "_target_"}


MATHS = {name: getattr(math, name) for name in ("exp", "log", "sqrt", "erf", "tanh")}


@pytest.mark.parametrize("component", torchs("activation", "torch."))
def test_formulas_of_activations_are_what_torch_computes(
    maker: ModuleType, component: Component
) -> None:
    if component.name == "softmax":
        assert component.target in maker.catalogue_formulas.WORDS
        return
    values = hyperparameters(component)
    module: nn.Module = resolve("activation", component.target)(**values)
    formula = maker.catalogue_formulas.ACTIVATIONS[component.target]
    x = torch.linspace(-5, 5, 41, dtype=torch.float64)
    expected = module.double()(x)
    given = {**MATHS, **values, "a": values.get("init")}
    found = [eval(formula, given | {"x": float(each)}) for each in x]
    torch.testing.assert_close(
        torch.tensor(found, dtype=torch.float64), expected, rtol=0, atol=1e-4
    )


@pytest.mark.parametrize("component", torchs("optimizer", "torch."))
def test_formulas_of_optimizers_are_what_torch_computes(
    maker: ModuleType, component: Component
) -> None:
    values = hyperparameters(component) | {"weight_decay": 0.1, "fused": False}
    if "initial_accumulator_value" in values:
        values |= {"initial_accumulator_value": 0.2, "lr_decay": 0.1}
    if "centered" in values:
        values |= {"momentum": 0.5}
    target = resolve("optimizer", component.target)
    accepted = {k: v for k, v in values.items() if k in hyperparameters(component)}
    w = nn.Parameter(torch.tensor([0.7], dtype=torch.float64))
    optimizer = target([w], **accepted)
    state = dict.fromkeys("mvusabdp", 0.0) | {"w": 0.7}
    names = {**MATHS, **values}
    names |= dict(zip(("b1", "b2"), values.get("betas", (0, 0)), strict=True))
    for t in range(1, 9):
        w.grad = torch.cos(3 * w.detach())
        optimizer.step()
        state |= {"g": math.cos(3 * state["w"]), "t": t}
        exec(maker.catalogue_formulas.OPTIMIZERS[component.target], names, state)
        assert state["w"] == pytest.approx(w.item(), abs=1e-9), t


@pytest.mark.parametrize("component", of_axis("loss"), ids=by_name)
@pytest.mark.parametrize("target", [0, 2])
def test_formulas_of_losses_are_what_they_compute(
    maker: ModuleType, component: Component, target: int
) -> None:
    values = hyperparameters(component)
    module = Builder("loss", yaml.safe_load(component.path.read_text("utf-8")))()
    z = torch.tensor([[0.3, -1.2, 0.9, 0.1]], dtype=torch.float64)
    p, sigmoid = z.softmax(1)[0].tolist(), z.sigmoid()[0].tolist()
    names = {**MATHS, **values, "z": z[0].tolist(), "p": p, "K": 4, "classes": range(4)}
    names |= {"y": p if values.get("output") == "softmax" else sigmoid, "target": target}
    names["q"] = [float(k == target) for k in range(4)]
    found = eval(maker.catalogue_formulas.LOSSES[component.target], names)
    assert found == pytest.approx(module(z, torch.tensor([target])).item(), abs=1e-9)


def test_every_component_of_torchs_has_its_formula(maker: ModuleType) -> None:
    formulas = maker.catalogue_formulas.FORMULAS
    for component in COMPONENTS:
        assert component.doc or component.target in formulas, component.path
    assert set(formulas) <= {each.target for each in COMPONENTS}
