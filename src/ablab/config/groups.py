"""The groups of a configuration: the axes that a trial is built from, and the others."""

AXES = (
    "dataset",
    "augmentation",
    "architecture",
    "activation",
    "pooling",
    "normalization",
    "dropout",
    "initializer",
    "loss",
    "regularizer",
    "optimizer",
    "scheduler",
)
OUTSIDE_KEY = ("devices", "tracking", "launcher", "probes", "sweep")
USER_GROUPS = (*AXES, "launcher")  # those that a user's ./conf may extend
GROUPS = (*AXES, "data", "trainer", "devices", "tracking", "launcher", "probes")
