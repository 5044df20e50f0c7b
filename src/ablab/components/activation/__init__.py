"""Activations: nonlinear functions of a layer's output, elementwise or over the channels."""
