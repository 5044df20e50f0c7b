"""The statistics of a sweep's trials."""
