"""What there is to choose: lists, documentation, templates, baselines."""
