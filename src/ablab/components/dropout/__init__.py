"""Dropouts: units, maps or branches zeroed at random during training."""
