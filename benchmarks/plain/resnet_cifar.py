"""Thin residual networks for small images, and the same without shortcuts."""

from torch import nn

from plain import resnet

COMPONENTS = ["normalization=batch"]


def plain(num_classes: int, depth: int, shortcut: str) -> nn.Module:
    """Return the network."""
    return resnet.plain(num_classes, [(depth - 2) // 6] * 3, 16, "basic", shortcut)
