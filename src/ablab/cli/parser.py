"""The commands and their options."""

import argparse
import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

import ablab
from ablab.cli import (
    baselines,
    carry,
    claims,
    compare,
    completion,
    maintenance,
    models,
    new,
    prune,
    publish,
    report,
    reproduce,
    serve,
    space,
    stores,
    sweep,
    train,
    ui,
    view,
)
from ablab.cli.command import add_debug
from ablab.errors import EXIT_CODES

_EPILOG = """\
first steps:
  ablab sweep demo              train six activations with five seeds each; no download
  ablab report demo             write the report with the answer
  ablab ui demo                 show its runs in MLflow, with the verdict
  ablab train activation=elu    train one trial; every key of `conf/` can be set

exit codes:
"""
_CODES = "".join(f"  {code:<4}{meaning}\n" for code, meaning in EXIT_CODES.items())


class _Parser(argparse.ArgumentParser):
    """Accepts words after options too, which argparse itself does not assign."""

    def parse_args(  # type: ignore[override] # one signature in place of two overloads
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        options, rest = self.parse_known_args(args, namespace)
        add_words = getattr(options, "add_words", None)
        if rest and (add_words is None or any(word.startswith("-") for word in rest)):
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        if add_words is not None and rest:
            add_words(options, rest)
        return options

    def error(self, message: str) -> NoReturn:
        """Exit with the message, and with the closest name after an invalid choice."""
        got = re.search(r"invalid choice: '(.*?)'", message)
        near = get_close_matches(got[1], _choices(self), n=1) if got else []
        super().error(f"{message}; did you mean {near[0]}?" if near else message)


def _choices(parser: argparse.ArgumentParser) -> list[str]:
    return [str(name) for action in parser._actions for name in action.choices or ()]


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; the options it returns have ``run(options)``."""
    parser = _Parser(
        prog="ablab",
        description="An ablation lab for convolutional networks.",
        epilog=_EPILOG + _CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ablab {ablab.__version__}")
    add_debug(parser, default=False)
    parser.set_defaults(run=lambda _: parser.print_help())
    commands = parser.add_subparsers(metavar="COMMAND")
    trials, results = (train, sweep, report, compare, claims, publish), (models, reproduce, carry)
    upkeep = (new, stores, space, prune, maintenance, completion)
    for module in (*trials, *results, baselines, view, ui, serve, *upkeep):
        module.add_to(commands)
    return parser
