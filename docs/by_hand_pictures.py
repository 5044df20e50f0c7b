"""The pictures of `by_hand.md`, each drawn by the function that it shows."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import drawing
import numpy as np
from drawing import BLUE, ORANGE, PATCH, SEVEN, Drawing
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablab.reference import (
    absolute_error,
    activation,
    average,
    convolution,
    dropout,
    entropy,
    information,
    lp_pooling,
    normalization,
    pooling,
    rectifier,
    recurrent,
    sizes,
    squared_error,
    transposed,
    update,
    windows,
)

_EDGE = np.array([[1.0, 2, 1], [0, 0, 0], [-1, -2, -1]])


def svg(name: str) -> str:
    """Return the text of one picture, the same each time."""
    return drawing.svg(DRAWINGS[name])


def _activation(value: Any, gradient: Any, figure: Figure) -> None:
    z = np.linspace(-4, 4, 81)
    drawing.curves(figure, z, {"f": value(z), "f'": gradient(np.ones_like(z), z)}, "z")


def _loss(value: Any, gradient: Any, figure: Figure) -> None:
    y, target = np.linspace(0, 2, 41), np.ones((1, 1))
    points = [np.full((1, 1), p) for p in y]
    curves = {"L": [value(p, target) for p in points]}
    curves["dL/dy"] = [gradient(p, target).item() for p in points]
    drawing.curves(figure, y, curves, "output, target 1")


def _entropy(value: Any, gradient: Any, figure: Figure) -> None:
    z, target = np.linspace(-4, 4, 41), np.array([[1.0, 0.0]])
    points = [np.array([[p, 0.0]]) for p in z]
    curves = {"L": [value(p, target) for p in points]}
    curves["dL/dz"] = [gradient(p, target)[0, 0] for p in points]
    drawing.curves(figure, z, curves, "logit of the right class, the other's 0")


def _path(step: Callable[..., Any], num_states: int, figure: Figure) -> None:
    """Draw how a rule goes down a long valley."""
    w, states = np.array([-2.0, 1.0]), [np.zeros(2)] * num_states
    path = [w]
    for t in range(1, 41):
        found = step(w, w * [0.3, 3.0], *states, t)
        w, *states = found if isinstance(found, tuple) else (found,)
        path.append(w)
    axes: Axes = figure.subplots()
    x, y = np.meshgrid(np.linspace(-2.4, 0.8, 30), np.linspace(-1.3, 1.3, 30))
    axes.contour(x, y, 0.15 * x**2 + 1.5 * y**2, levels=6, colors="#cccccc", linewidths=0.6)
    axes.plot(*np.array(path).T, color=ORANGE, marker=".", ms=2.5, lw=0.8)
    axes.set(xticks=[], yticks=[], xlabel="40 steps from the left")


def _sizes(figure: Figure) -> None:
    stride = np.arange(1, 9)
    count = [sizes.output_size(28, 5, stride=int(s)) for s in stride]
    drawing.curves(figure, stride, {"n'": count}, "stride (28 pixels, kernel 5)").set_ylabel("n'")


def _windows(figure: Figure) -> None:
    taken = windows.windows(np.ones((1, 1, 7, 7)), 3, stride=2)
    dilated = windows.windows(np.ones((1, 1, 7, 7)), 3, dilation=2)
    counts = [
        windows.add_windows(w, (7, 7), stride=s, dilation=d)[0, 0]
        for w, s, d in (
            (taken, 2, 1),
            (dilated, 1, 2),
        )
    ]
    drawing.maps(figure, windows_a_pixel=counts[0], with_dilation_2=counts[1])


def _correlation(function: Any, figure: Figure) -> None:
    y = function(SEVEN[None, None], _EDGE[None, None])[0, 0]
    drawing.maps(figure, x=SEVEN, w=_EDGE, y=y)


def _input_gradient(figure: Figure) -> None:
    dy = np.zeros((5, 5))
    dy[1, 2], dy[3, 3] = 1, -1
    dx = convolution.input_gradient(dy[None, None], _EDGE[None, None], (7, 7))[0, 0]
    drawing.maps(figure, dy=dy, w=_EDGE, dx=dx)


def _weight_gradient(figure: Figure) -> None:
    y = convolution.cross_correlation(SEVEN[None, None], _EDGE[None, None])
    dw = convolution.weight_gradient(y, SEVEN[None, None], (3, 3))[0, 0]
    drawing.maps(figure, dy=y[0, 0], x=SEVEN, dw=dw)


def _transposed(figure: Figure) -> None:
    x = np.array([[1.0, 0], [0, -1]])
    y = transposed.transposed_convolution(x[None, None], _EDGE[None, None], stride=3)[0, 0]
    drawing.maps(figure, x=x, w=_EDGE, y_at_stride_3=y)


def _pooled(pool: Any, gradient: Any, figure: Figure) -> None:
    x = PATCH[None, None]
    y = pool(x, 2, 2)
    drawing.maps(figure, x=PATCH, y=y[0, 0], dx=gradient(np.ones_like(y), x, 2, 2)[0, 0])


def _batch_norm(figure: Figure) -> None:
    z = np.random.default_rng(0).normal(3, 2, (400, 1))
    unit = normalization.batch_norm(z, np.ones(1), np.zeros(1), *normalization.moments(z))
    axes: Axes = figure.subplots()
    for values, color, label in ((z, BLUE, "x"), (unit, ORANGE, "y")):
        axes.hist(values[:, 0], bins=24, histtype="step", color=color, label=label)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _dropout(figure: Figure) -> None:
    kept = (np.random.default_rng(0).random((4, 4)) > 0.5).astype(float)
    drawing.maps(figure, x=PATCH, r=kept, y=dropout.dropout(PATCH, kept, 0.5))


def _softmax(figure: Figure) -> None:
    z = np.linspace(-4, 4, 41)
    p = activation.softmax(np.stack([z, 0 * z, 0 * z - 1], axis=1))
    drawing.curves(figure, z, {"class 1": p[:, 0], "class 2": p[:, 1]}, "logit of class 1")


def _states(figure: Figure) -> None:
    x = np.zeros((20, 1, 1))
    x[0] = 1
    turn = 0.95 * np.array([[np.cos(0.6), -np.sin(0.6)], [np.sin(0.6), np.cos(0.6)]])
    weights = recurrent.Weights(turn, np.ones((2, 1)), np.zeros(2), np.eye(2), np.zeros(2))
    h = recurrent.states(x, weights)[:, 0]
    drawing.curves(
        figure, np.arange(21), {"unit 1": h[:, 0], "unit 2": h[:, 1]}, "step after one impulse"
    )


def _mean(figure: Figure) -> None:
    x = np.sin(np.arange(60) / 9) + np.random.default_rng(0).normal(0, 0.3, 60) + 2
    means = {
        "corrected": average.weighted_mean(x, 0.9),
        "not": average.weighted_mean(x, 0.9, corrected=False),
    }
    axes = drawing.curves(figure, np.arange(60), means, "value, beta 0.9")
    axes.plot(x, ".", color="#999999", ms=2)


def _window(figure: Figure) -> None:
    beta = np.linspace(0, 0.98, 99)
    drawing.curves(figure, beta, {"values": [average.window(float(b)) for b in beta]}, "beta")


def _information(figure: Figure) -> None:
    p = np.linspace(0.01, 1, 100)
    drawing.curves(figure, p, {"-log P": information.information(p)}, "P").set_ylabel("nats")


def _entropies(figure: Figure) -> None:
    q = np.linspace(0.02, 0.98, 49)
    both = np.stack([q, 1 - q], axis=1)
    fair, sure = np.array([0.5, 0.5]), np.array([1.0, 0.0])
    curves = {f"p = {p[0]:g}": information.cross_entropy(p, both) for p in (fair, sure)}
    drawing.curves(figure, q, curves, "q of the first of two events")


def _rules() -> Sequence[tuple[str, Callable[..., Any], int]]:
    return (
        ("gradient_descent", lambda w, g, _: update.gradient_descent(w, g, lr=0.5), 0),
        ("momentum", lambda w, g, v, _: update.momentum(w, g, v, lr=0.1, beta=0.8), 1),
        ("adagrad", lambda w, g, s, _: update.adagrad(w, g, s, lr=0.5), 1),
        ("adadelta", lambda w, g, s, d, _: update.adadelta(w, g, s, d, eps=1e-2), 2),
        ("adam", lambda w, g, m, v, t: update.adam(w, g, m, v, t, lr=0.2), 2),
    )


def _pairs(module: Any, prefix: str, names: str, draw: Any) -> dict[str, Drawing]:
    return {
        f"{prefix}.{n}": partial(draw, getattr(module, n), getattr(module, f"{n}_gradient"))
        for n in names.split()
    }


DRAWINGS: Mapping[str, Drawing] = {
    "sizes.output_size": _sizes,
    "windows.add_windows": _windows,
    "convolution.cross_correlation": partial(_correlation, convolution.cross_correlation),
    "convolution.input_gradient": _input_gradient,
    "convolution.weight_gradient": _weight_gradient,
    "convolution.convolution": partial(_correlation, convolution.convolution),
    "transposed.transposed_convolution": _transposed,
    "pooling.max_pool": partial(_pooled, pooling.max_pool, pooling.max_pool_gradient),
    "pooling.mean_pool": partial(_pooled, pooling.mean_pool, pooling.mean_pool_gradient),
    "lp_pooling.lp_pool": partial(_pooled, lp_pooling.lp_pool, lp_pooling.lp_pool_gradient),
    **_pairs(activation, "activation", "identity step sigmoid tanh", _activation),
    "activation.softmax": _softmax,
    **_pairs(rectifier, "rectifier", "relu leaky_relu elu", _activation),
    "normalization.batch_norm": _batch_norm,
    "dropout.dropout": _dropout,
    **_pairs(
        squared_error,
        "squared_error",
        "half_squared_error root_mean_squared_error mean_squared_log_error",
        _loss,
    ),
    **_pairs(absolute_error, "absolute_error", "mean_absolute_error", _loss),
    **_pairs(entropy, "entropy", "softmax_cross_entropy binary_cross_entropy", _entropy),
    "recurrent.states": _states,
    **{f"update.{name}": partial(_path, step, states) for name, step, states in _rules()},
    "average.weighted_mean": _mean,
    "average.window": _window,
    "information.information": _information,
    "information.cross_entropy": _entropies,
}
