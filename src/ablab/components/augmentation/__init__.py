"""Augmentations: random changes of training batches."""
