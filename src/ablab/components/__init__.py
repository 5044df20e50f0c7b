"""The components: one folder per axis, one file per component."""
