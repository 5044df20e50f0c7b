"""Statistics of paired differences; depends on numpy and scipy alone."""
