"""What of MLflow's runs names variant, seed, block and metric, as a user gives it."""

import shlex
from dataclasses import dataclass, fields

from ablab.errors import InputError
from ablab.report.mlflow.nesting import RUNS
from ablab.report.mlflow.scale import NONE, UNITS
from ablab.text import is_accuracy
from ablab.tracking.kinds import foreign_kinds, needs

GOALS = ("max", "min")


@dataclass(frozen=True)
class Naming:
    """What of a run names what.

    Attributes:
        experiment: the experiment's name.
        variant, seed, block: a tag or a param each, ``tags.model`` or ``params.seed``; no block
            where all runs are of one.
        metric: what is compared, its last value.
        curve: what was logged epoch by epoch, or empty: an accuracy, or with a unit any.
        goal: ``max`` or ``min``.
        baseline: the variant that others are held against, or empty.
        kind: ``versus_baseline`` or ``best``; empty: the first where there is a baseline.
        question: the sentence that the report answers; empty: one is made.
        unit: how metric and curve were logged, ``share``, ``percent`` or ``none``; empty: as
            their values say.
        runs: which of nested runs count, ``parents``, ``children`` or ``all``; empty: asked where
            more than one level could.
    """

    experiment: str
    variant: str
    seed: str
    metric: str
    block: str = ""
    curve: str = ""
    goal: str = "max"
    baseline: str = ""
    kind: str = ""
    question: str = ""
    unit: str = ""
    runs: str = ""

    def check(self) -> None:
        """Refuse what no report can be made of.

        Raises:
            InputError: says what must be otherwise.
        """
        for name in ("variant", "seed", "block"):
            given = getattr(self, name)
            if given and given.partition(".")[0] not in ("tags", "params"):
                raise InputError(f"--{name} must be tags.NAME or params.NAME, got {given}")
        choices = {"goal": GOALS, "kind": foreign_kinds(), "unit": UNITS, "runs": RUNS}
        for name, known in choices.items():
            given = getattr(self, name)
            if given and given not in known:
                raise InputError(f"--{name} must be one of {', '.join(known)}, got {given}")
        if needs(self.kind).baseline and not self.baseline:
            raise InputError(f"--baseline must name a variant for {self.kind}, got none")
        if self.curve and not is_accuracy(self.curve) and self.unit in ("", NONE):
            raise InputError(
                "--curve must be an accuracy, named so, or have --unit share or percent beside "
                f"it, got {self.curve}"
            )

    def asked(self) -> str:
        """Return the question, as given or made."""
        extreme = "lowest" if self.goal == "min" else "highest"
        what = f"the {extreme} {self.metric}"
        if self.question:
            return self.question
        if self.baseline:
            return f"Which {_bare(self.variant)} betters {self.baseline} in {self.metric}?"
        return f"Which {_bare(self.variant)} has {what}?"

    def command(self) -> str:
        """Return the command that makes the report again."""
        names = [f.name for f in fields(self)]
        given = [(name, getattr(self, name)) for name in names if getattr(self, name)]
        words = [w for name, value in given for w in (f"--{_option(name)}", value)]
        return shlex.join(["ablab", "report", *words])


def _bare(name: str) -> str:
    return name.partition(".")[2]


def _option(name: str) -> str:
    return "mlflow" if name == "experiment" else name
