"""Write `catalogue.md` and its pictures from the components: `make docs`."""

import html
import importlib
import inspect
import re
from pathlib import Path

import catalogue_formulas
import catalogue_pictures
import drawing
import torch
from torch.utils.flop_counter import FlopCounterMode

from ablab.catalogue import docstrings
from ablab.catalogue.listing import Component, of_axis
from ablab.config.compose import compose
from ablab.config.groups import AXES
from ablab.faults import ComponentError
from ablab.model.builder import Builder
from ablab.model.targets import PARTS
from ablab.training.cost import RECURRENCES

HERE = Path(__file__).parent
PAGE = HERE / "catalogue.md"
PICTURES = HERE / "pictures" / "catalogue"
SHAPES = ((28, 1, 10), (32, 3, 10), (224, 3, 1000))  # pixels, channels, classes
HEAD = """# Catalogue

Every component of every axis: what it is, where it is from, and what it sets. A name is chosen as
`activation=elu` and a value as `activation.alpha=0.5`; `ablab list AXIS NAME` prints YAML and
docstring. This page is made from both, and from the components themselves, by `make docs`.

"""
COSTS = """
### What the networks cost

Parameters, and FLOPs of one image's forward pass (two a multiply-add; convolutions and matrices
only), with the default parts: ReLU, max pooling, no normalization. The images have 28 pixels in
gray and 10 classes (MNIST), 32 in color and 10 classes (CIFAR-10), 224 in color and 1000 classes
(ImageNet).

| | parameters, 28 | FLOPs, 28 | parameters, 32 | FLOPs, 32 | parameters, 224 | FLOPs, 224 |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
"""


def page(costs: str) -> str:
    """Return the text of the page.

    Args:
        costs: rows of the table of architectures, which take a minute to count.
    """
    links = " · ".join(f"[{axis}](#{axis})" for axis in AXES)
    return HEAD + links + "\n" + "".join(_axis(axis, costs) for axis in AXES)


def cost_rows() -> str:
    """Return the table's rows, a network each."""
    return "".join(cost_row(each) for each in of_axis("architecture"))


def cost_row(component: Component) -> str:
    """Return what a network costs at each of `SHAPES`, a dash where it cannot be built."""
    cells = [cell for shape in SHAPES for cell in _cost(component, *shape)]
    return f"| `{component.name}` | {' | '.join(cells)} |\n"


def _cost(component: Component, pixels: int, channels: int, classes: int) -> tuple[str, str]:
    config = compose([f"architecture={component.name}"]).resolved()
    generator = torch.Generator()
    parts = {axis: Builder(axis, config[axis], generator=generator) for axis in PARTS}
    counter = FlopCounterMode(display=False, custom_mapping=RECURRENCES)
    with torch.device("meta"), torch.no_grad():
        try:
            network = Builder("architecture", config["architecture"])(
                in_channels=channels, num_classes=classes, image_size=pixels, **parts
            ).eval()
        except ComponentError:
            return "–", "–"
        with counter:
            network(torch.zeros(1, channels, pixels, pixels))
    parameters = sum(p.numel() for p in network.parameters())
    return f"{parameters:,}", _short(counter.get_total_flops())


def _short(count: int) -> str:
    return f"{count / 1e9:.2f} G" if count >= 1e9 else f"{count / 1e6:.2f} M"


def _axis(axis: str, costs: str) -> str:
    """Return an axis's part: its words, and a table of a row a component."""
    words = inspect.getdoc(importlib.import_module(f"ablab.components.{axis}")) or ""
    rows, twins = "", dict[str, str]()
    for component in of_axis(axis):
        rows += row(component, twins.get(component.target))
        twins.setdefault(component.target, component.name)
    end = COSTS + costs if axis == "architecture" else ""
    return f"\n## {axis}\n\n{words}\n\n<table>\n{rows}</table>\n{end}"


def row(component: Component, twin: str | None = None) -> str:
    """Return the row of a component.

    Args:
        component: what it shows.
        twin: a component further up of the same target, whose words are not said again.
    """
    cells = [f"<b>{component.name}</b>", _words(component, twin)]
    if catalogue_pictures.drawing_of(component) is not None:
        name = picture_name(component)
        cells.append(f'<img src="pictures/catalogue/{name}.svg" alt="{name}">')
    return "<tr>" + "\n".join(f"<td>{cell}</td>" for cell in cells) + "</tr>\n"


def picture_name(component: Component) -> str:
    """Return the stem of a component's picture."""
    return f"{component.axis}.{component.name}"


def _words(component: Component, twin: str | None) -> str:
    """Return what a component is, its formula, what it sets, and its source."""
    source, formula = component.source, catalogue_formulas.FORMULAS.get(component.target)
    if twin is not None:
        told = [f"<p>As <code>{twin}</code>, set otherwise.</p>"]
    elif component.doc:
        told = [_paragraph(part) for part in docstrings.paragraphs(component.doc)]
        told += [_pre(formula)] if formula else []
        source = docstrings.section(component.doc, "Source").rstrip(".")
    else:
        told = [f"<p><code>{component.target}</code></p>", _pre(formula or "")]
    return "\n".join([*told, settings(component), f"<p><i>Source: {_code(source)}.</i></p>"])


def settings(component: Component) -> str:
    """Return name, default and meaning of each hyper-parameter."""
    meanings = docstrings.meanings(component.doc)
    items = [
        f"<li><code>{name}={html.escape(value, quote=False)}</code>"
        + (f": {_code(text)}" if text else "")
        + "</li>"
        for name, value in component.hyperparameters.items()
        for text in [component.comments.get(name) or meanings.get(name, "").rstrip(".")]
    ]
    return f"<ul>{''.join(items)}</ul>" if items else "<p>Sets nothing.</p>"


def _paragraph(text: str) -> str:
    """Return a paragraph; what is indented, behind ``::``, is shown as it stands."""
    if text.startswith(" "):
        return _pre(inspect.cleandoc(text))
    return f"<p>{_code(text.removesuffix(':') if text.endswith('::') else text)}</p>"


def _pre(text: str) -> str:
    return f"<pre>{html.escape(text, quote=False)}</pre>"


def _code(text: str) -> str:
    """Return a docstring's text as HTML, in one line."""
    line = html.escape(" ".join(text.split()), quote=False)
    return re.sub(r"(`{1,2})(.+?)\1", r"<code>\2</code>", line)


def main() -> None:
    """Write the page and its pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for old in PICTURES.glob("*.svg"):
        old.unlink()
    for component in (each for axis in AXES for each in of_axis(axis)):
        draw = catalogue_pictures.drawing_of(component)
        if draw is not None:
            file = PICTURES / f"{picture_name(component)}.svg"
            file.write_text(drawing.svg(draw), "utf-8")
    PAGE.write_text(page(cost_rows()), "utf-8")


if __name__ == "__main__":
    main()
