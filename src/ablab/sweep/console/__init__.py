"""A sweep in a terminal or a log."""
