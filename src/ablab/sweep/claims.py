"""The claims of textbooks that come with ablab, and the user's own: sweeps that state one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ablab.config.compose import sweep_names
from ablab.config.yaml_file import read_yaml
from ablab.errors import InputError
from ablab.sweep.names import override_key, sweep_id
from ablab.sweep.spec import parse
from ablab.tracking.claim import Claim

SMALL, FULL = SIZES = ("small", "full")


@dataclass(frozen=True)
class ClaimSweep:
    """A sweep that tests a claim, as its YAML states it.

    Attributes:
        name: of the sweep.
        claim: the claim.
    """

    name: str
    claim: Claim

    def overrides(self, size: str, *, second: bool = False) -> list[str]:
        """Return the overrides of a size, and of its second setting.

        Args:
            size: one of `SIZES`.
            second: whether the second setting is meant, which replaces keys of the first.
        """
        full = self.claim.full if size == FULL else ()
        return merge(full, self.claim.second if second else ())

    def sweep(self, size: str, *, second: bool = False) -> str:
        """Return the id of the sweep of a size, or of its second setting."""
        return sweep_id(self.name, self.overrides(size, second=second))


def pretraining(claim: Claim, overrides: Sequence[str]) -> list[str]:
    """Return the overrides of the trial whose weights the variants of a claim start from.

    Args:
        claim: with its own overrides of that trial, which replace the sweep's.
        overrides: those of the sweep; those of its question are left out.
    """
    return merge([o for o in overrides if override_key(o).split(".")[0] != "sweep"], claim.pretrain)


def merge(*overrides: Sequence[str]) -> list[str]:
    """Return overrides without those whose key a later one sets.

    Example:
        >>> merge(["dataset=mnist", "batch_size=32"], ["dataset=digits"])
        ['batch_size=32', 'dataset=digits']
    """
    every = [each for some in overrides for each in some]
    keys = [override_key(each) for each in every]
    return [each for i, each in enumerate(every) if keys[i] not in keys[i + 1 :]]


def read_claims() -> list[ClaimSweep]:
    """Return all claims, by number; those without one follow by name."""
    found = [each for name, path in sweep_names().items() if (each := _read(name, path))]
    return sorted(found, key=lambda each: (each.claim.number or 10**9, each.name))


def choose(claims: Sequence[ClaimSweep], words: Sequence[str]) -> list[ClaimSweep]:
    """Return the claims that some numbers or names select, in their order; all without any.

    Raises:
        InputError: a word selects none.
    """
    by_word = {each.name: each for each in claims}
    by_word |= {str(each.claim.number): each for each in claims if each.claim.number}
    for word in words:
        if word not in by_word:
            rule = "numbers or names of claims, as `ablab claims` lists them"
            raise InputError(f"claims must be {rule}, got {word}")
    chosen = [by_word[word] for word in words]
    return [each for each in claims if not words or each in chosen]


def _read(name: str, path: Path) -> ClaimSweep | None:
    node = read_yaml(path).get("sweep")
    if not isinstance(node, dict) or node.get("claim") is None:
        return None
    claim = parse(node).claim
    assert claim is not None
    return ClaimSweep(name, claim)
