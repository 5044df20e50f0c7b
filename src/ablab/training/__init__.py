"""Training of one trial: the process, the Lightning loop, and what they record."""
