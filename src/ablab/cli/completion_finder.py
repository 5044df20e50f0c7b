"""Finds completions of overrides after options too, which argparse itself does not assign."""

import argparse
from typing import Any

from argcomplete.finders import CompletionFinder

from ablab.cli.completers import complete_overrides


class Finder(CompletionFinder):
    """Completes overrides wherever the command accepts them."""

    def collect_completions(
        self, active_parsers: Any, parsed_args: argparse.Namespace, cword_prefix: str
    ) -> list[str]:
        """Return the completions of argcomplete, or if it has none those of an override."""
        found: list[str] = super().collect_completions(active_parsers, parsed_args, cword_prefix)
        if found or cword_prefix.startswith("-") or not hasattr(parsed_args, "overrides"):
            return found
        keys = complete_overrides(cword_prefix, parsed_args)
        return [key for key in keys if key.startswith(cword_prefix)]
