"""Training through gradients that are written by hand: ``backend=by_hand``."""
