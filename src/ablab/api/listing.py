"""`ablab.list`: available components, settings, metrics and sweeps."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ablab.catalogue.lists import describe, list_members
from ablab.report.card import CardTable, card

if TYPE_CHECKING:
    from pandas import DataFrame


def list(axis: str | None = None) -> "Listing":  # noqa: A001 - it is called `ablab.list`
    """Return the available components of an axis, as the command ``ablab list`` does.

    Args:
        axis: an axis such as ``"activation"``, or ``"data"``, ``"trainer"``, ``"devices"``,
            ``"probes"``, ``"metric"``, ``"sweeps"``; None lists all of these.

    Returns:
        Names and descriptions, your own components and sweeps included.

    Raises:
        ConfigError: there is no such axis; the message lists those that exist.

    Example:
        >>> "elu" in list("activation")
        True
        >>> print(list("activation")["elu"])
        Clevert et al. 2016, arXiv:1511.07289
        torch.nn.ELU
        alpha=1.0
    """
    return Listing(axis, dict(list_members(axis)))


@dataclass(frozen=True, repr=False)
class Listing(Mapping[str, str]):
    """Mapping of names to descriptions.

    Attributes:
        axis: the axis of the names; None if they are axes.
        texts: description of each name.
    """

    axis: str | None
    texts: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def frame(self) -> "DataFrame":
        """One row per name, with its description in the column ``text``."""
        from pandas import DataFrame

        return DataFrame({"name": [*self.texts], "text": [*self.texts.values()]})

    def describe(self, name: str) -> str:
        """Return the full description of one entry: a component's YAML and docstring, a sweep.

        Raises:
            ConfigError: there is no such entry, or the entries are axes.
        """
        return describe(*((name, "") if self.axis is None else (self.axis, name)))

    def __repr__(self) -> str:
        width = max(map(len, self.texts), default=0) + 2
        return "\n".join(
            f"{name:<{width}}" + text.replace("\n", "\n" + " " * width)
            for name, text in self.texts.items()
        )

    def _repr_html_(self) -> str:
        """Return HTML for a notebook."""
        rows = [((name, text), "") for name, text in self.texts.items()]
        table = CardTable(("name", "description"), rows, is_text=True)
        return card("Available", self.axis or "all axes", tables=[table])
