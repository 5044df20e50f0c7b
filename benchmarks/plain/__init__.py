"""Plain implementations of the architectures in torch alone, for 3x32x32 images."""
