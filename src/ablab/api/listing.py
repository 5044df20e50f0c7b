"""`ablab.list`: what there is to choose from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ablab.catalogue.lists import listed, shown
from ablab.report.card import CardTable, card

if TYPE_CHECKING:
    from pandas import DataFrame


def list(axis: str | None = None) -> "Listing":  # noqa: A001 - it is called `ablab.list`
    """Return what there is to choose from, as the command ``ablab list`` does.

    Args:
        axis: an axis such as ``"activation"``, or ``"data"``, ``"trainer"``, ``"devices"``,
            ``"probes"``, ``"metric"``, ``"sweeps"``; None: all of them.

    Returns:
        Names and what is known of each; your own components and sweeps included.

    Raises:
        ConfigError: there is no such axis; names those there are.

    Example:
        >>> "elu" in list("activation")
        True
        >>> print(list("activation")["elu"])
        Clevert et al. 2016, arXiv:1511.07289
        torch.nn.ELU
        alpha=1.0
    """
    return Listing(axis, dict(listed(axis)))


@dataclass(frozen=True, repr=False)
class Listing(Mapping[str, str]):
    """Names and what is known of each.

    Attributes:
        axis: whose members they are; None: all axes.
        texts: by name.
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
        """A row a name, with what is known of it in the column ``text``."""
        from pandas import DataFrame

        return DataFrame({"name": [*self.texts], "text": [*self.texts.values()]})

    def describe(self, name: str) -> str:
        """Return all there is to say of a member: a component's YAML and docstring, a sweep.

        Raises:
            ConfigError: there is no such member, or these are axes.
        """
        return shown(*((name, "") if self.axis is None else (self.axis, name)))

    def __repr__(self) -> str:
        width = max(map(len, self.texts), default=0) + 2
        return "\n".join(
            f"{name:<{width}}" + text.replace("\n", "\n" + " " * width)
            for name, text in self.texts.items()
        )

    def _repr_html_(self) -> str:
        """Return what a notebook shows of it."""
        rows = [((name, text), "") for name, text in self.texts.items()]
        table = CardTable(("name", "what it is"), rows, is_text=True)
        return card("Available", self.axis or "all axes", tables=[table])
