"""Initializers of the weights."""
