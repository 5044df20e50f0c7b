"""Reports of sweeps: statistics, figures and pages. The functions here are for notebooks.

The walk, from a plan and its records to a page: `analysis` (statistics), `kinds` (the rules of each
kind of question), `text` (sentences), `page` and `export` (forms), `build` (files). `compare` and
`mlflow` start from two sweeps and from runs that ablab did not start.
"""

from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ablab.report.reading import Reading


def read(sweep: str, lab: "str | PathLike[str] | None" = None) -> "Reading":
    """Return the report of a sweep as data frames and matplotlib figures.

    Args:
        sweep: name of the sweep as in `ablab status`, with overrides in brackets. The brackets may
            be left out if only one sweep has this name.
        lab: folder of the lab; by default the one that the command line uses.

    Raises:
        InputError: the lab has no such plan, or several; the message lists those it has.
    """
    from pathlib import Path

    from ablab.folders import lab_folder
    from ablab.report.reading import reading
    from ablab.tracking.lab import Lab

    return reading(Lab(lab_folder() if lab is None else Path(lab)), sweep)


def read_runs(
    experiment: str, *, variant: str, seed: str, metric: str, **further: str
) -> "Reading":
    """Return the report of MLflow runs that ablab did not start; the store is only read.

    Args:
        experiment: name of the experiment, in the store that ``MLFLOW_TRACKING_URI`` names,
            otherwise in the lab's.
        variant: the tag or param that holds the variant: ``"tags.model"``, ``"params.model"``.
        seed: the tag or param that holds the seed: ``"params.seed"``.
        metric: the metric to compare.
        further: ``block``, ``curve``, ``goal``, ``baseline``, ``kind``, ``question``, ``unit``,
            ``runs``, as for `ablab report --mlflow`.

    Raises:
        InputError: there is no such experiment, its runs lack the tags, params or metrics named,
            or they are ambiguous, and ``unit`` or ``runs`` must be given.
    """
    from ablab.report.mlflow.naming import Naming
    from ablab.report.reading import reading_of_runs

    return reading_of_runs(Naming(experiment, variant, seed, metric, **further))
