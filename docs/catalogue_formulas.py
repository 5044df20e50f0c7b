"""What components compute that their docstrings do not say, as Python that the tests run.

Activations are expressions of one element x; optimizers are steps of one weight w with gradient
g, t counting from 1, whose further names start at zero. Losses are those of one image: z are its
logits, p their softmax, y the outputs, q the targets, k a class. The rest is said in words.
"""

_DECAY = "g = g + weight_decay * w\n"
_ADAM = "m = b1 * m + (1 - b1) * g\nv = b2 * v + (1 - b2) * g**2\n"
_ADAM_STEP = "w = w - lr * (m / (1 - b1**t)) / (sqrt(v / (1 - b2**t)) + eps)"
_SGD = "v = g if t == 1 else momentum * v + (1 - dampening) * g\n"

ACTIVATIONS = {
    "torch.nn.ELU": "x if x > 0 else alpha * (exp(x) - 1)",
    "torch.nn.GELU": "x * (1 + erf(x / sqrt(2))) / 2",
    "torch.nn.Hardswish": "x * min(max(x + 3, 0), 6) / 6",
    "torch.nn.Identity": "x",
    "torch.nn.LeakyReLU": "x if x > 0 else negative_slope * x",
    "torch.nn.Mish": "x * tanh(log(1 + exp(x)))",
    "torch.nn.PReLU": "x if x > 0 else a * x  # a is learnt, from init on, one a channel",
    "torch.nn.ReLU": "max(x, 0)",
    "torch.nn.SELU": "1.0507 * (x if x > 0 else 1.67326 * (exp(x) - 1))",
    "torch.nn.Sigmoid": "1 / (1 + exp(-x))",
    "torch.nn.SiLU": "x / (1 + exp(-x))",
    "torch.nn.Softplus": "log(1 + exp(beta * x)) / beta",
    "torch.nn.Softsign": "x / (1 + abs(x))",
    "torch.nn.Tanh": "tanh(x)",
}
OPTIMIZERS = {
    "torch.optim.SGD": _DECAY + _SGD + "w = w - lr * (g + momentum * v if nesterov else v)",
    "torch.optim.Adam": _DECAY + _ADAM + _ADAM_STEP,
    "torch.optim.AdamW": "w = w - lr * weight_decay * w\n" + _ADAM + _ADAM_STEP,
    "torch.optim.Adamax": _DECAY
    + "m = b1 * m + (1 - b1) * g\nu = max(b2 * u, abs(g) + eps)\nw = w - lr / (1 - b1**t) * m / u",
    "torch.optim.Adagrad": _DECAY
    + "s = initial_accumulator_value + g**2 if t == 1 else s + g**2\n"
    + "w = w - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)",
    "torch.optim.Adadelta": _DECAY
    + "v = rho * v + (1 - rho) * g**2\nd = sqrt(u + eps) / sqrt(v + eps) * g\n"
    + "u = rho * u + (1 - rho) * d**2\nw = w - lr * d",
    "torch.optim.RMSprop": _DECAY
    + "v = alpha * v + (1 - alpha) * g**2\na = alpha * a + (1 - alpha) * g\n"
    + "s = sqrt(v - a**2 if centered else v) + eps\nb = momentum * b + g / s\nw = w - lr * b",
    "torch.optim.NAdam": _DECAY
    + _ADAM
    + "mu = b1 * (1 - 0.96 ** (t * momentum_decay) / 2)\n"
    + "next = b1 * (1 - 0.96 ** ((t + 1) * momentum_decay) / 2)\n"
    + "p = mu if t == 1 else p * mu\n"
    + "n = next * m / (1 - p * next) + (1 - mu) * g / (1 - p)\n"
    + "w = w - lr * n / (sqrt(v / (1 - b2**t)) + eps)",
    "torch.optim.RAdam": _DECAY
    + _ADAM
    + "k = 2 / (1 - b2) - 1\nr = k - 2 * t * b2**t / (1 - b2**t)\n"
    + "c = sqrt(max(0, (r - 4) * (r - 2) * k / ((k - 4) * (k - 2) * r)))\n"
    + "d = c * sqrt(1 - b2**t) / (sqrt(v) + eps) if r > 5 else 1\n"
    + "w = w - lr * m / (1 - b1**t) * d",
}
_LOSS = "ablab.components.loss."
_MEAN_SQUARE = "sum((y[k] - q[k]) ** 2 for k in classes) / K"
LOSSES = {
    f"{_LOSS}binary_cross_entropy.BinaryCrossEntropy": (
        "-sum(q[k] * log(y[k]) + (1 - q[k]) * log(1 - y[k]) for k in classes)"
    ),
    f"{_LOSS}focal.Focal": "-sum(q[k] * (1 - p[k]) ** gamma * log(p[k]) for k in classes)",
    f"{_LOSS}half_squared_error.HalfSquaredError": ("sum((y[k] - q[k]) ** 2 for k in classes) / 2"),
    f"{_LOSS}hinge.Hinge": (
        "max(0, margin + max(z[k] for k in classes if k != target) - z[target])"
    ),
    f"{_LOSS}kl.KL": "sum(q[k] * log(q[k] / p[k]) for k in classes if q[k] > 0)",
    f"{_LOSS}l1.L1": "sum(abs(y[k] - q[k]) for k in classes)",
    f"{_LOSS}l2.L2": "sum((y[k] - q[k]) ** 2 for k in classes)",
    f"{_LOSS}mae.MAE": "sum(abs(y[k] - q[k]) for k in classes) / K",
    f"{_LOSS}mape.MAPE": "sum(abs(y[k] - q[k]) / max(q[k], floor) for k in classes) / K",
    f"{_LOSS}mse.MSE": _MEAN_SQUARE,
    f"{_LOSS}msle.MSLE": "sum((log(1 + y[k]) - log(1 + q[k])) ** 2 for k in classes) / K",
    f"{_LOSS}rmse.RMSE": f"sqrt({_MEAN_SQUARE})",
    "torch.nn.CrossEntropyLoss": (
        "-sum(((1 - label_smoothing) * q[k] + label_smoothing / K) * log(p[k]) for k in classes)"
    ),
}
_NORM = "ablab.components.normalization."
_STANDARD = "y = scale[c] * (x - mean) / sqrt(variance + eps) + shift[c]\nmean, variance: of "
WORDS = {
    f"{_NORM}batch.batch": f"{_STANDARD}channel c over all images and positions",
    f"{_NORM}group.group": f"{_STANDARD}the channels of c's group, over the positions of an image",
    f"{_NORM}instance.instance": f"{_STANDARD}channel c over the positions of an image",
    f"{_NORM}layer.layer": f"{_STANDARD}all units of an image, or all channels at a position",
    "ablab.components.dropout.dropout.Dropout": (
        "y = r * x / (1 - p), each r is 0 with probability p, else 1"
    ),
    "ablab.components.dropout.spatial.SpatialDropout": (
        "y = r * x / (1 - p), each map's r is 0 with probability p, else 1"
    ),
    "torch.nn.Softmax": "exp(x[c]) / sum of exp(x[k]) over the channels k",
    "torch.nn.MaxPool2d": "the largest value of each window",
    "torch.nn.AvgPool2d": "the mean of each window, border pixels left out",
    "torch.optim.lr_scheduler.ConstantLR": "lr",
    "torch.optim.lr_scheduler.ReduceLROnPlateau": "lr = factor * lr after more than patience "
    "epochs\nin which val/loss has not fallen by the fraction threshold of its best",
}
FORMULAS = {**ACTIVATIONS, **OPTIMIZERS, **LOSSES, **WORDS}
