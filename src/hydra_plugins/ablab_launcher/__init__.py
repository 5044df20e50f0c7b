"""Hydra's plugin `hydra/launcher=ablab`."""
