"""Which data sets a sweep needs: they are fetched before it is planned, which reads them."""

from collections.abc import Sequence

from ablab.config.compose import compose
from ablab.sweep.spec import parse


def datasets_of(name: str, overrides: Sequence[str] = ()) -> frozenset[str]:
    """Return the data sets that a sweep's trials use, by name.

    Raises:
        ConfigError: all that is wrong with the sweep.
    """
    base = compose(overrides, sweep=name)
    spec = parse(base.sweep)
    varied = [
        {settings.get("dataset") for settings in some.values()}
        for some in (spec.variants, spec.blocks)
    ]
    names = {n for some in varied for n in some if n is not None}
    everywhere = any(some and None not in some for some in varied)
    return frozenset([*map(str, names), *([] if everywhere else [base.choices["dataset"]])])
