"""The mathematics of the suite by hand: forward and backward in numpy, no convolution API."""
