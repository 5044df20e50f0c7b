"""The tags, params and metrics of MLflow runs that name variant, seed, block and metric."""

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
    """The options of `ablab report --mlflow`.

    Attributes:
        experiment: name of the experiment.
        variant, seed, block: a tag or param each, ``tags.model`` or ``params.seed``; no block if
            all runs are of one.
        metric: the metric compared, by its last value.
        curve: a metric that was logged epoch by epoch, or empty; it must be an accuracy unless
            ``unit`` is ``share`` or ``percent``.
        goal: ``max`` or ``min``.
        baseline: the variant that the others are compared with, or empty.
        kind: ``versus_baseline`` or ``best``; if empty, the former if there is a baseline.
        question: the question that the report answers; if empty, a default.
        unit: how metric and curve were logged, ``share``, ``percent`` or ``none``; if empty, it is
            inferred from their values.
        runs: the nested runs that count, ``parents``, ``children`` or ``all``; may be empty if only
            one level has all names.
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
        """Check the options that do not depend on the runs.

        Raises:
            InputError: an option is invalid.
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

    def report_question(self) -> str:
        """Return the question as given, or a default."""
        if self.question:
            return self.question
        name = self.variant.partition(".")[2]
        if self.baseline:
            return f"Which {name} is better than {self.baseline} in {self.metric}?"
        extreme = "lowest" if self.goal == "min" else "highest"
        return f"Which {name} has the {extreme} {self.metric}?"

    def command(self) -> str:
        """Return the command that writes the report again."""
        names = [f.name for f in fields(self)]
        given = [(name, getattr(self, name)) for name in names if getattr(self, name)]
        words = [w for name, value in given for w in (f"--{_option(name)}", value)]
        return shlex.join(["ablab", "report", *words])


def _option(name: str) -> str:
    return "mlflow" if name == "experiment" else name
