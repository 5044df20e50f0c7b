"""Templates of `ablab new`: working components, to be changed.

Each is a YAML and a module; the words mine and Mine are replaced by the user's name.
"""
