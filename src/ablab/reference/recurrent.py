"""A simple recurrent network, and its gradient by two algorithms."""

from typing import NamedTuple

import numpy as np

from ablab.reference.windows import Array


class Weights(NamedTuple):
    """Stores the weights of a simple recurrent network, or their gradients.

    Attributes:
        recurrent: U, (H, H).
        inputs: W, (H, D).
        bias: b, (H,).
        outputs: V, (K, H).
        output_bias: c, (K,).
    """

    recurrent: Array
    inputs: Array
    bias: Array
    outputs: Array
    output_bias: Array


def states(x: Array, weights: Weights) -> Array:
    """Return the hidden states of a simple recurrent network, starting from zero.

    Formula:
        h[t] = tanh(U h[t-1] + W x[t] + b),    h[-1] = 0

    Args:
        x: (T, N, D), T steps of N sequences.
        weights: the network's.

    Returns:
        (T + 1, N, H), with the zero state first.

    Source: Elman 1990, Finding structure in time; tanh for his logistic units.
    """
    h = np.zeros((len(x) + 1, x.shape[1], len(weights.bias)))
    for t in range(len(x)):
        sums = h[t] @ weights.recurrent.T + x[t] @ weights.inputs.T + weights.bias
        h[t + 1] = np.tanh(sums)
    return h


def outputs(h: Array, weights: Weights) -> Array:
    """Return the outputs of a simple recurrent network at each step.

    Formula:
        y[t] = V h[t] + c

    Args:
        h: (T + 1, N, H), of `states`.
        weights: the network's.

    Returns:
        (T, N, K).

    Source: Elman 1990, Finding structure in time.
    """
    y: Array = h[1:] @ weights.outputs.T + weights.output_bias
    return y


def through_time(dy: Array, x: Array, h: Array, weights: Weights) -> Weights:
    """Return the gradient by backpropagation through time.

    Formula:
        dh[t] = V' dy[t] + U' da[t+1],    da[t] = (1 - h[t]^2) dh[t],
        dU = sum_t da[t] h[t-1]',    dW = sum_t da[t] x[t]',    db = sum_t da[t]

    It takes about twice the time of T forward steps and stores all T states.

    Args:
        dy: (T, N, K), the gradient with respect to the outputs.
        x: (T, N, D), the inputs.
        h: (T + 1, N, H), of `states`.
        weights: the network's.

    Source: Werbos 1990, Backpropagation through time: what it does and how to do it.
    """
    da = np.zeros_like(h)  # with one additional step of zeros
    for t in reversed(range(len(x))):
        later = da[t + 1] @ weights.recurrent
        da[t] = (1 - h[t + 1] ** 2) * (dy[t] @ weights.outputs + later)
    da = da[:-1]
    return Weights(
        recurrent=np.einsum("tni,tnj->ij", da, h[:-1]),
        inputs=np.einsum("tni,tnd->id", da, x),
        bias=da.sum(axis=(0, 1)),
        outputs=np.einsum("tnk,tni->ki", dy, h[1:]),
        output_bias=dy.sum(axis=(0, 1)),
    )


def real_time(dy: Array, x: Array, h: Array, weights: Weights) -> Weights:
    """Return the same gradient by real-time recurrent learning, updated at each input.

    Formula:
        M = [U W b],    z[t] = [h[t-1] x[t] 1],    P[t] = dh[t] / dM,
        P[t][i, k, l] = (1 - h[t, i]^2) ([i = k] z[t, l] + sum_j U[i, j] P[t-1][j, k, l]),
        dM = sum_t sum_i (V' dy[t])[i] P[t][i]

    No past states are stored, but each step costs H^2 times H (H + D + 1) products.

    Args:
        dy: (T, N, K), the gradient with respect to the outputs.
        x: (T, N, D), the inputs.
        h: (T + 1, N, H), of `states`; each is used at its own step and the next.
        weights: the network's.

    Source: Williams and Zipser 1989, A learning algorithm for continually running fully recurrent
        neural networks.
    """
    num_steps, num_sequences, num_inputs = x.shape
    units = np.arange(len(weights.bias))
    joint = np.zeros((len(units), len(units) + num_inputs + 1))
    sensitivity = np.zeros((num_sequences, len(units), *joint.shape))
    for t in range(num_steps):
        z = np.concatenate([h[t], x[t], np.ones((num_sequences, 1))], axis=1)
        sensitivity = np.einsum("ij,njkl->nikl", weights.recurrent, sensitivity, optimize=True)
        sensitivity[:, units, units] += z[:, None, :]
        sensitivity *= (1 - h[t + 1] ** 2)[:, :, None, None]
        joint += np.einsum("ni,nikl->kl", dy[t] @ weights.outputs, sensitivity)
    return Weights(
        recurrent=joint[:, : len(units)],
        inputs=joint[:, len(units) : -1],
        bias=joint[:, -1],
        outputs=np.einsum("tnk,tni->ki", dy, h[1:]),
        output_bias=dy.sum(axis=(0, 1)),
    )
