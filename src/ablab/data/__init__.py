"""Data sets: read, checked, cached, downloaded, and loaded in batches."""
