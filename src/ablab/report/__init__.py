"""From plans and records to statistics, figures and pages; what stands here is for notebooks."""

from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ablab.report.reading import Reading


def read(sweep: str, lab: "str | PathLike[str] | None" = None) -> "Reading":
    """Return a sweep's report as data frames and matplotlib figures.

    Args:
        sweep: its name, with its overrides in brackets as `ablab status` shows it; these may be
            left out where only one sweep begins so.
        lab: the lab's folder; by default the one that the command line would find.

    Raises:
        InputError: the lab has no such plan, or several that begin so; names those it has.
    """
    from pathlib import Path

    from ablab.folders import lab_folder
    from ablab.report.reading import reading
    from ablab.tracking.lab import Lab

    return reading(Lab(lab_folder() if lab is None else Path(lab)), sweep)


def read_runs(
    experiment: str, *, variant: str, seed: str, metric: str, **further: str
) -> "Reading":
    """Return the report of MLflow's runs that ablab did not launch, read and never written to.

    Args:
        experiment: its name, in the store that ``MLFLOW_TRACKING_URI`` names, else in the lab's.
        variant: what names the variant, ``"tags.model"`` or ``"params.model"``.
        seed: likewise, ``"params.seed"``.
        metric: what is compared.
        further: ``block``, ``curve``, ``goal``, ``baseline``, ``kind``, ``question``, ``unit``,
            ``runs``, as of `ablab report --mlflow`.

    Raises:
        InputError: there is no such experiment, its runs are not named so, or they allow more than
            one reading, which ``unit`` or ``runs`` decides.
    """
    from ablab.report.mlflow.naming import Naming
    from ablab.report.reading import reading_of_runs

    return reading_of_runs(Naming(experiment, variant, seed, metric, **further))
