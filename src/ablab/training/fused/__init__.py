"""Training of several trials in one process: ``backend=fused``."""
