"""Boundaries of a group-sequential t test, exact for normal differences.

The statistic of a look is ``u``, the cosine of the angle between the n differences so far and the
vector of ones; it determines t. If the true mean is zero, the direction of the differences is
uniform on the sphere and independent of their length, and all looks so far depend on the direction
alone. So the next ``u`` follows from this one by two independent draws: ``r``, the share of the
squared length that the old differences have, Beta(n/2, d/2), and ``v``, the cosine of the d new
differences alone::

    sqrt(n + d) u' = sqrt(n r) u + sqrt(d (1 - r)) v

The distribution of the looks that have not rejected is carried along on cells of the normal
quantile of t's p-value. For many seeds the boundaries become those of Lan and DeMets for a normal
statistic, and the recursion that of Armitage, McPherson and Rowe 1969.

Source: Jennison and Turnbull 1991 compute sequential t tests exactly; the recursion here is ours.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy import special

from ablab.stats.paired import Array

_REACH = 8.0  # the largest normal quantile; beyond it lie 1e-15
_MOST = 38.0  # a smaller p is 0 in float64
_NODES = 48


def boundaries(sizes: Sequence[int], spent: Array) -> Array:
    """Return the boundary of each look as a normal quantile of its two-sided p, (looks, levels).

    A look rejects if the normal quantile of its p, ``-ndtri(p / 2)``, is at least the boundary.

    Args:
        sizes: number of seeds at each look, growing, the first >= 2.
        spent: error probability spent up to each look, (looks, levels).
    """
    edges = np.linspace(0.0, _REACH, _num_cells(sizes) + 1)
    mass = np.diff(1 - 2 * special.ndtr(-edges))[None]  # of |quantile|, by level and cell
    bounds = [_quantile(spent[0])]
    for look in range(1, len(sizes)):
        kept = np.clip((bounds[-1][:, None] - edges[:-1]) / edges[1], 0, 1)
        mass = (mass * kept) @ _transition(edges, sizes[look - 1], sizes[look])
        tails = np.flip(np.cumsum(np.flip(mass, axis=1), axis=1), axis=1)
        wanted, known = spent[look] - spent[look - 1], _quantile(np.clip(tails, 1e-300, 1))
        pairs = zip(_quantile(wanted), known, strict=True)
        bounds.append(np.array([np.interp(q, own, edges[:-1]) for q, own in pairs]))
    return np.stack(bounds)


def _num_cells(sizes: Sequence[int]) -> int:
    """Return a number of cells that are narrow beside what one look adds to the statistic."""
    added = math.sqrt(min(1 - a / b for a, b in pairwise(sizes)))
    return min(max(math.ceil(_REACH / (0.1 * added)), 320), 800)


def _quantile(p: Array) -> Array:
    result: Array = np.minimum(-special.ndtri(p / 2), _MOST)
    return result


def _transition(edges: Array, n: int, total: int) -> Array:
    """Return the probability of each cell of |quantile|, given the cell at the look before.

    Args:
        edges: of the cells.
        n: number of differences at the look before.
        total: number of differences at this look.
    """
    d, reached = total - n, np.zeros((edges.size - 1, edges.size))
    old = math.sqrt(n) * _cosine((edges[1:] + edges[:-1]) / 2, n)[:, None]
    new = math.sqrt(total) * _cosine(edges, total)
    shares, weights = beta_nodes(n / 2, d / 2)
    angles, cdf = _cosine_cdf(d)
    for r, weight in zip(shares, weights, strict=True):
        center, scale = math.sqrt(r) * old, math.sqrt(d * (1 - r))
        upper = np.interp((new - center) / scale, angles, cdf)
        reached += weight * (upper - np.interp((-new - center) / scale, angles, cdf))
    reached[:, -1] = 1.0
    return np.diff(reached, axis=1)


def beta_nodes(a: float, b: float) -> tuple[Array, Array]:
    """Return nodes and weights of Gauss's quadrature for the distribution Beta(a, b), a + b >= 2.

    By the eigenvalues of the Jacobi matrix (Golub and Welsch 1969): `scipy.special.roots_jacobi`
    overflows for large a + b.
    """
    from scipy import linalg  # late: 30 ms, and few reports need it

    k, total = np.arange(1.0, _NODES), a + b - 2
    double = 2 * k + total
    diagonal = np.empty(_NODES)
    diagonal[0] = (a - b) / (total + 2)
    diagonal[1:] = (a - b) * total / (double * (double + 2))
    square = 4 * k * (k + a - 1) * (k + b - 1) / (double**2 * (double + 1))
    square[1:] *= (k[1:] + total) / (double[1:] - 1)  # of the first, both are equal
    nodes, vectors = linalg.eigh_tridiagonal(diagonal, np.sqrt(square))
    return (1 + nodes) / 2, vectors[0] ** 2


def _cosine(quantile: Array, n: int) -> Array:
    """Return the cosine of n differences whose p has this normal quantile."""
    t = -special.stdtrit(n - 1, special.ndtr(-quantile))
    result: Array = t / np.sqrt(n - 1 + t**2)
    return result


def _cosine_cdf(d: int) -> tuple[Array, Array]:
    """Return cosines, and the probability that that of d differences is at most so large.

    A single difference has the cosine 1 or -1.
    """
    if d == 1:
        return np.array([-1, -1 + 1e-12, 1 - 1e-12, 1]), np.array([0, 0.5, 0.5, 1])
    cosines = np.sin(np.linspace(-math.pi / 2, math.pi / 2, 4001))
    half = special.betainc(0.5, (d - 1) / 2, cosines**2) / 2
    return cosines, 0.5 + np.sign(cosines) * half
