"""The dataset axis: each component builds a data module."""
