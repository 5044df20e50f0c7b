"""One small network of each kind of layers, for tests of all architectures."""

# By a label that begins with the name of an architecture, and its options.
NETWORKS: dict[str, tuple[str, ...]] = {
    "alexnet": ("architecture.channels=[8,16,16,16,16]", "architecture.hidden=[16,16]"),
    "cnn": (),
    "cnn separable": ("architecture.conv=separable", "architecture.bottleneck=activated"),
    "cnn stacked": ("architecture.conv=stacked", "architecture.kernel_size=5"),
    "cnn locally_connected": ("architecture.conv=locally_connected",),
    "cnn1d": (),
    "convnext_tiny": ("architecture.widths=[8,16,24,32]",),
    "densenet100": ("architecture.blocks=[3,3,3]",),
    "googlenet": ("architecture.auxiliary=true",),
    "gru": ("architecture.bidirectional=true", "architecture.layers=2"),
    "inception_v3": (),  # has no narrower form
    "lenet5": (),
    "lenet5_1998": (),
    "lstm": (),
    "mlp": ("architecture.widths=[20,20]",),
    "mobilenet": ("architecture.width=0.25",),
    "narx": (),
    "one_conv": (),
    "plain20": (),
    "resnet18": ("architecture.width=8",),
    "resnet20": (),
    "resnet50": ("architecture.width=8",),
    "srn": (),
    "tdnn": (),
    "vgg": ("architecture.depth=11",),
    "wide_resnet": ("architecture.width=1", "architecture.depth=10"),
}


def chosen(label: str) -> list[str]:
    """Return the overrides that choose a network."""
    return [f"architecture={label.split(maxsplit=1)[0]}", *NETWORKS[label]]
