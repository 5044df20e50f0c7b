"""What silences units at random while training."""
