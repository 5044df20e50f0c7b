"""Regularizers: a penalty added to the mean loss, or a projection after each step."""
