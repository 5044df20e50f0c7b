"""Values of the settings of the data that have names."""

FULL = "full"  # a batch_size: each batch holds all training images
SHUFFLES = ("each_epoch", "once", "none", "with_replacement")
