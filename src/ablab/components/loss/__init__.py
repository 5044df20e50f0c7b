"""Losses: logits (N, K) and targets to a scalar."""
