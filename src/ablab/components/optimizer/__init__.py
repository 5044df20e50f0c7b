"""What moves the weights down the gradient; most are torch's own."""
