"""Poolings of feature maps."""
