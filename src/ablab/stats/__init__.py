"""Statistics of paired differences; numpy and scipy alone."""
