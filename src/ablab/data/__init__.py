"""Data sets: reading, checking, caching and fetching them, and handing out whole batches."""
