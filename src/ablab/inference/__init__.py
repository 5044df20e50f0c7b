"""Use of trained networks: loaded, tested again, applied to images, and exported."""
