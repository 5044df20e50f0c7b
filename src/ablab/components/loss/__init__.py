"""What training lowers: logits (N, K) and targets to a scalar."""
