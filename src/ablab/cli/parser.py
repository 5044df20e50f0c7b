"""The commands and their options."""

import argparse
from collections.abc import Sequence
from typing import Any

import ablab
from ablab.cli import baselines, compare, look, new, report, sweep, train, upkeep
from ablab.cli.command import add_debug
from ablab.errors import EXIT_CODES

_EPILOG = """\
first steps:
  ablab sweep demo              six activations, five seeds each, no download
  ablab report demo             what came of it
  ablab ui                      the same runs in MLflow
  ablab train activation=elu    one trial; any key of `conf/` can be set

exit codes:
"""
_CODES = "".join(f"  {code:<4}{meaning}\n" for code, meaning in EXIT_CODES.items())


class _Parser(argparse.ArgumentParser):
    """Takes overrides behind options too, which argparse by itself leaves over."""

    def parse_args(  # type: ignore[override] # its overloads tell no more
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        options, rest = self.parse_known_args(args, namespace)
        takes = getattr(options, "overrides", None) is not None
        if rest and (not takes or any(word.startswith("-") for word in rest)):
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        if rest:
            options.overrides = [*options.overrides, *rest]
        return options


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; what it returns has ``run(options)``."""
    parser = _Parser(
        prog="ablab",
        description="An ablation lab for convolutional networks.",
        epilog=_EPILOG + _CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ablab {ablab.__version__}")
    add_debug(parser, default=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for group in (train, sweep, report, compare, baselines, look, new, upkeep):
        group.add_to(commands)
    return parser
