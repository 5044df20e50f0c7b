"""What of MLflow's runs names variant, seed, block and metric, as a user gives it."""

import shlex
from dataclasses import dataclass, fields

from ablab.errors import InputError
from ablab.report.unit import is_accuracy

KINDS = ("versus_baseline", "best")


@dataclass(frozen=True)
class Naming:
    """What of a run names what.

    Attributes:
        experiment: the experiment's name.
        variant, seed, block: a tag or a param each, ``tags.model`` or ``params.seed``; no block
            where all runs are of one.
        metric: what is compared, its last value.
        curve: an accuracy that was logged epoch by epoch, or empty.
        goal: ``max`` or ``min``.
        baseline: the variant that others are held against, or empty.
        kind: ``versus_baseline`` or ``best``; empty: the first where there is a baseline.
        question: the sentence that the report answers; empty: one is made.
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

    def check(self) -> None:
        """Refuse what no report can be made of.

        Raises:
            InputError: says what must be otherwise.
        """
        for name in ("variant", "seed", "block"):
            given = getattr(self, name)
            if given and given.partition(".")[0] not in ("tags", "params"):
                raise InputError(f"--{name} must be tags.NAME or params.NAME, got {given}")
        if self.kind not in ("", *KINDS):
            raise InputError(f"--kind must be one of {', '.join(KINDS)}, got {self.kind}")
        if self.kind == KINDS[0] and not self.baseline:
            raise InputError("--baseline must name a variant for versus_baseline, got none")
        if self.curve and not is_accuracy(self.curve):
            raise InputError(f"--curve must be an accuracy, named so, got {self.curve}")

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
