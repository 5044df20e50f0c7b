"""The commands and their options."""

import argparse
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NoReturn

import ablab
from ablab.cli.command import add_debug
from ablab.errors import EXIT_CODES

# The commands that each module of `ablab.cli` adds, in the order of `ablab --help`.
MODULES: Mapping[str, Sequence[str]] = {
    "train": ("train",),
    "sweep": ("sweep", "status"),
    "report": ("report",),
    "compare": ("compare",),
    "claims": ("claims",),
    "publish": ("publish",),
    "models": ("evaluate", "predict", "export"),
    "reproduce": ("reproduce",),
    "carry": ("export-lab", "import"),
    "baselines": ("baselines",),
    "view": ("list", "show"),
    "ui": ("ui",),
    "serve": ("serve",),
    "new": ("new",),
    "stores": ("sync", "backup"),
    "space": ("du", "rm"),
    "prune": ("prune",),
    "maintenance": ("data", "doctor"),
    "completion": ("completion",),
}

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
        near = _close_names(got[1], self) if got else []
        super().error(f"{message}; did you mean {near[0]}?" if near else message)


def _close_names(word: str, parser: argparse.ArgumentParser) -> list[str]:
    from difflib import get_close_matches  # late: most commands are spelled right

    names = [str(name) for action in parser._actions for name in action.choices or ()]
    return get_close_matches(word, names, n=1)


def make_parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Return the parser of the command line; the options it returns have ``run(options)``.

    Args:
        words: of the command line. If the first is a command, the parser has those of its module
            alone: importing all modules, and making 28 parsers, would cost more than many a
            command itself.
    """
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
    own = [name for name, added in MODULES.items() if words and words[0] in added]
    for name in own or MODULES:
        import_module(f"ablab.cli.{name}").add_to(commands)
    return parser
