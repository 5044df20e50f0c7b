"""Pictures of one run, drawn from what its folder stores, without torch."""
