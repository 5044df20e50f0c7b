"""What `ablab new` writes: components that work, named mine, to be made into others.

Each is a YAML and a module; the words mine and Mine become the name that the user gives.
"""
