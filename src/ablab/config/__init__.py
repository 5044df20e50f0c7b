"""Turns the words of a command line into a checked trial.

In the order in which a configuration passes them:

1. ``overrides``: parses ``key=value``; ``content`` has the rules for every value.
2. ``yaml_file`` reads a YAML file within bounds, ``user_yaml`` registers users' files in Hydra,
   ``known_keys`` checks the keys of a sweep's YAML.
3. ``compose``: composes choices and values with Hydra. The result is a ``composition``;
   ``interpolation`` resolves it, and ``swap`` replaces components in it without Hydra.
4. ``validate``: checks each value: ``hyperparameters`` (of components), ``scalars`` (all others),
   ``combinations``, ``fused`` and ``probe_switches``. Nothing is built.
5. ``preflight``: checks the machine: devices, ``threads``, disk space.
6. ``checks``: does the checks that import components, here or where a command asks for them, once
   for each configuration (``check_records``, on one ``machine``).
7. ``dry_build``: builds the trial and takes a dry step: ``dry_forward``, ``dry_backward``,
   ``dry_optimizer``, and the ``memory`` they need.
8. ``trial``: computes the key from the configuration, the data and the user's ``sources``, which
   ``source_imports`` finds.
"""
