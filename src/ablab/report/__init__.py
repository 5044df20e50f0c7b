"""Reports: statistics, figures and pages from plans and records; `read` is for notebooks."""

from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ablab.report.reading import Reading


def read(sweep: str, lab: "str | PathLike[str] | None" = None) -> "Reading":
    """Return a sweep's report as data frames and matplotlib figures.

    Args:
        sweep: its name, with its overrides in brackets as `ablab status` shows it; the overrides
            may be left out if only one sweep begins with the name.
        lab: the lab's folder; by default the one that the command line would use.

    Raises:
        InputError: the lab has no such plan, or several that begin with the name; the message
            lists the plans.
    """
    from pathlib import Path

    from ablab.folders import lab_folder
    from ablab.report.reading import reading
    from ablab.tracking.lab import Lab

    return reading(Lab(lab_folder() if lab is None else Path(lab)), sweep)


def read_runs(
    experiment: str, *, variant: str, seed: str, metric: str, **further: str
) -> "Reading":
    """Return the report of MLflow runs that ablab did not launch; the store is only read.

    Args:
        experiment: its name, in the store of ``MLFLOW_TRACKING_URI``, by default the lab's.
        variant: the tag or param that holds the variant, ``"tags.model"`` or ``"params.model"``.
        seed: the tag or param that holds the seed, ``"params.seed"``.
        metric: the metric to compare.
        further: ``block``, ``curve``, ``goal``, ``baseline``, ``kind``, ``question``, ``unit``,
            ``runs``, as for `ablab report --mlflow`.

    Raises:
        InputError: there is no such experiment, its runs lack these tags or params, or they are
            ambiguous, which ``unit`` or ``runs`` resolves.
    """
    from ablab.report.mlflow.naming import Naming
    from ablab.report.reading import reading_of_runs

    return reading_of_runs(Naming(experiment, variant, seed, metric, **further))
