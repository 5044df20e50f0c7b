"""The dataset axis: each component builds a datamodule."""
