"""The pictures of `catalogue.md`, each drawn by the component that it shows."""

from collections.abc import Callable
from typing import Any

import drawing
import numpy as np
import torch
import yaml
from drawing import PATCH, SEVEN, Drawing
from matplotlib.figure import Figure
from torch import Tensor, nn

from ablab.catalogue.listing import Component
from ablab.model.builder import Builder

_POINTS = 41
_STEPS = 100
_SEED = 37  # with it mixup and cutmix mix
# Nothing to see: they leave all as it is, or wait for a loss that is none here.
_WITHOUT = {"augmentation/none", "pooling/none", "scheduler/plateau", "initializer/lsuv"}


def drawing_of(component: Component) -> Drawing | None:
    """Return what draws a component, None where a picture would not help."""
    draw = _BY_AXIS.get(component.axis)
    if draw is None or f"{component.axis}/{component.name}" in _WITHOUT:
        return None
    return lambda figure: draw(component, figure)


def _build(component: Component, **bound: Any) -> Builder:
    node = yaml.safe_load(component.path.read_text("utf-8"))
    torch.manual_seed(0)
    return Builder(component.axis, node, **bound)


def _activation(component: Component, figure: Figure) -> None:
    x = torch.linspace(-4, 4, _POINTS, requires_grad=True)
    module = _build(component)(channels=2)
    y = module(torch.stack([x, torch.zeros_like(x)], dim=1))[:, 0]  # softmax wants another channel
    (slope,) = torch.autograd.grad(y.sum(), x)
    values = {"f": y.detach().numpy(), "f'": slope.numpy()}
    drawing.curves(figure, x.detach().numpy(), values, "x")


def _loss(component: Component, figure: Figure) -> None:
    z = torch.linspace(-4, 4, _POINTS, requires_grad=True)
    loss, target = _build(component)(), torch.tensor([0])
    y = torch.stack([loss(torch.stack([each, 0 * each])[None], target) for each in z])
    (slope,) = torch.autograd.grad(y.sum(), z)
    values = {"L": y.detach().numpy(), "dL/dz": slope.numpy()}
    label = "logit z of the right class, the other's 0"
    drawing.curves(figure, z.detach().numpy(), values, label)


def _pooling(component: Component, figure: Figure) -> None:
    generator = torch.Generator().manual_seed(0)
    pool = _build(component, generator=generator)(channels=1, kernel_size=2, stride=2, padding=0)
    with torch.no_grad():
        pooled = pool.eval()(torch.from_numpy(PATCH).float()[None, None])[0, 0]
    drawing.maps(figure, x=PATCH, y=pooled.numpy())


def _initializer(component: Component, figure: Figure) -> None:
    """Draw three filters, all initializers on one scale: a weight of 0.5 is full color."""
    layer = nn.Conv2d(1, 32, kernel_size=5)
    torch.manual_seed(0)
    layer.reset_parameters()
    _build(component)(module=nn.Sequential(layer))
    filters = layer.weight.detach()[:3, 0].numpy()
    drawing.maps(figure, most=0.5, **{f"w{i + 1}": each for i, each in enumerate(filters)})


def _scheduler(component: Component, figure: Figure) -> None:
    weight = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    scheduler = _build(component)(optimizer=optimizer, total_steps=_STEPS)
    rates = []
    for _ in range(_STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    label = "step of 100, the optimizer's lr being 1"
    axes = drawing.curves(figure, np.arange(_STEPS), {"lr": rates}, label)
    axes.set_ylim(-0.05, 1.05)


def _augmentation(component: Component, figure: Figure) -> None:
    """Draw a digit, and what becomes of it, of its mirror image and of its transposed one."""
    digit = np.kron(SEVEN, np.ones((4, 4)))
    x = torch.from_numpy(np.stack([digit, digit[:, ::-1], digit.T])).float()[:, None]
    generator = torch.Generator().manual_seed(_SEED)
    changed: Tensor = _build(component)(num_classes=3)(x, torch.arange(3), generator)[0]
    for axes, image in zip(figure.subplots(1, 4), [digit, *changed[:, 0].numpy()], strict=True):
        axes.imshow(image, cmap="gray_r", vmin=0, vmax=1, interpolation="none", resample=False)
        axes.set(xticks=[], yticks=[])


_BY_AXIS: dict[str, Callable[[Component, Figure], None]] = {
    "activation": _activation,
    "augmentation": _augmentation,
    "initializer": _initializer,
    "loss": _loss,
    "pooling": _pooling,
    "scheduler": _scheduler,
}
