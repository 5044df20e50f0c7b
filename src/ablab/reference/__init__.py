"""Forward and backward passes in plain numpy, without a convolution API."""
