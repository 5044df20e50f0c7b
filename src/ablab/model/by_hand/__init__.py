"""``backend=by_hand``: training with hand-written gradients in numpy."""
