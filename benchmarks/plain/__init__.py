"""Each architecture as one would write it with torch alone, for 3x32x32 images."""
