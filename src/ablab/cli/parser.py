"""The commands and their options."""

import argparse

import ablab
from ablab.cli import baselines, look, new, sweep, train, upkeep

_EPILOG = """\
first steps:
  ablab sweep demo              six activations, five seeds each, no download
  ablab report demo             what came of it
  ablab ui                      the same runs in MLflow
  ablab train activation=elu    one trial; any key of `conf/` can be set
"""


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; what it returns has ``run(options)``."""
    parser = argparse.ArgumentParser(
        prog="ablab",
        description="An ablation lab for convolutional networks.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ablab {ablab.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for group in (train, sweep, baselines, look, new, upkeep):
        group.add_to(commands)
    return parser
