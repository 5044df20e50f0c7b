"""Configurations: composed, checked, and turned into trials."""
