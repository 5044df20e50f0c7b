"""Networks of several trials as one module: ``backend=fused``."""
