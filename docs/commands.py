"""Writes `commands.md` from the parser of the command line; part of `make docs`."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from ablab.cli.parser import make_parser
from ablab.errors import EXIT_CODES

PAGE = Path(__file__).parent / "commands.md"
HEAD = """# Commands

Every command with its arguments and options, as `ablab COMMAND --help` prints them. `make docs`
writes this page from the parser. [Set values on the command line](howto/overrides.md) explains
`key=value`.
"""
CODES = """
## Exit codes

| code | meaning |
| ---: | --- |
"""
VARIABLES = """
## Environment variables

| variable | meaning |
| --- | --- |
| `ABLAB_HOME` | folder of the lab |
| `ABLAB_DATA` | folder of data sets |
| `ABLAB_ALLOW` | modules that `_target_` may name, separated by commas; as `--allow` |
| `ABLAB_DEBUG` | `1`: show the traceback of every error; as `--debug` |
| `MLFLOW_TRACKING_URI` | MLflow store to use in place of the lab's own |
| `MLFLOW_TRACKING_USERNAME`, `MLFLOW_TRACKING_PASSWORD` | how to sign in there |
| `MLFLOW_TRACKING_SERVER_CERT_PATH` | certificate of your own authority, for a server with TLS |
| `MLFLOW_BACKEND_STORE_URI`, `PGPASSWORD` | Postgres database of `ablab serve`, and its password |
| `MLFLOW_FLASK_SERVER_SECRET_KEY` | secret with which `ablab serve` signs forms |
| `MLFLOW_AUTH_ADMIN_USERNAME`, `MLFLOW_AUTH_ADMIN_PASSWORD` | first user of `ablab serve` |
| `OMP_NUM_THREADS` | CPU threads of a trial if `launcher.threads` is `auto` |
| `CUDA_VISIBLE_DEVICES` | the GPUs that trials may use |
"""


def page() -> str:
    """Return the text of the page."""
    codes = "".join(f"| {code} | {meaning} |\n" for code, meaning in EXIT_CODES.items())
    return HEAD + "".join(map(_section, _commands())) + CODES + codes + VARIABLES


def _commands() -> Iterator[argparse.ArgumentParser]:
    for action in make_parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.values()


def _section(parser: argparse.ArgumentParser) -> str:
    rows = [_row(action) for action in parser._actions if action.dest != "help"]
    text = str(parser.description)
    head = f"\n## {parser.prog}\n\n{text[0].upper()}{text[1:]}.\n\n"
    return head + "| argument | meaning |\n| --- | --- |\n" + "".join(rows)


def _row(action: argparse.Action) -> str:
    names = action.option_strings or [_value_name(action)]
    argument = ", ".join(names) + (f" {_value_name(action)}" if _takes_value(action) else "")
    meaning = action.help or ""
    if action.default not in (None, False, argparse.SUPPRESS, []):
        meaning = f"{meaning} (default: {action.default})".strip()
    return f"| `{argument}` | {meaning} |\n".replace("{", "&#123;")


def _takes_value(action: argparse.Action) -> bool:
    return bool(action.option_strings) and action.nargs != 0


def _value_name(action: argparse.Action) -> str:
    if action.choices:
        return "\\|".join(map(str, action.choices))
    name = str(action.metavar or action.dest)
    return name if not action.option_strings or action.metavar else name.upper()


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
