"""What keeps the scale of activations steady."""
