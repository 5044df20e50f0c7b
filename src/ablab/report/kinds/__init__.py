"""The kinds of question, one file each; `KINDS` lists them by name."""

from collections.abc import Mapping

from ablab.errors import InputError
from ablab.report.kinds.best import Best
from ablab.report.kinds.equivalence import Equivalent
from ablab.report.kinds.factors import TwoFactors
from ablab.report.kinds.kind import Kind
from ablab.report.kinds.versus_baseline import VersusBaseline

KINDS: Mapping[str, Kind] = {
    "versus_baseline": VersusBaseline(),
    "best": Best(),
    "equivalence": Equivalent(),
    "factors": TwoFactors(),
}


def kind_of(name: str) -> Kind:
    """Return the kind of this name.

    Raises:
        InputError: there is no such kind.
    """
    if name not in KINDS:
        raise InputError(f"kind must be one of {', '.join(KINDS)}, got {name}")
    return KINDS[name]
