"""Small tables and plans for tests; accuracies are in per cent of 10,000 images."""

import re
from typing import Any

from ablab.formatting import MINUS
from ablab.report.analysis.analysis import analyze
from ablab.report.analysis.trials import Row
from ablab.tracking.plan import Cell, Part, Plan
from ablab.tracking.spec import read_spec

IMAGES = 10_000


def row(variant, seed, outcome, block="digits × mlp", images=IMAGES):
    outcome, value = ("finished", outcome) if isinstance(outcome, int | float) else outcome
    return Row(
        variant=variant,
        seed=seed,
        block=block,
        key=f"{block}-{variant}-{seed}",
        outcome=outcome,
        value=float("nan") if value is None else value / 100,
        total=images,
        reason="",
        metrics={},
        curve=(),
        times=(),
        environment={},
        data_hash="",
    )


def rows(outcomes, **kwargs):
    return [
        row(v, s, outcome, **kwargs) for v, per in outcomes.items() for s, outcome in enumerate(per)
    ]


def tuned_with(trials: int, seeds: list[int]) -> dict[str, Any]:
    how = {"method": "tpe", "pruning": "none", "metric": "val/accuracy", "goal": "max"}
    return how | {"trials": trials, "epochs": 3, "seeds": seeds}


def spec(names, /, **more):
    base = {"question": "?", "kind": "versus_baseline", "metric": "test/accuracy", "goal": "max"}
    content = base | {"baseline": "relu", "variants": {v: {} for v in names}}
    return read_spec(content | more)


def analyze_rows(table, question):
    """Analyze rows under a question, as the one part of a plan."""
    cells = tuple(Cell(r.variant, r.seed, r.block, r.key) for r in table)
    part = Part("comparison", 0.0, "ablab sweep x", question, cells, {})
    return analyze(Plan("x", (part,)), table)


def plan(table, *, first=None, **more):
    variants = list(dict.fromkeys(r.variant for r in table))
    cells = [Cell(r.variant, r.seed, r.block, r.key) for r in table]
    cut = len(cells) if first is None else first
    parts = [
        Part("comparison", 0.0, "ablab sweep x", spec(variants, **more), tuple(cells[:cut]), {})
    ]
    if first is not None:
        parts.append(
            Part("extension", 1.0, "ablab sweep x", spec(variants, **more), tuple(cells[cut:]), {})
        )
    return Plan("x", tuple(parts))


RELU = [98.0, 98.2, 98.1, 98.3, 98.0]
FAILED, DIVERGED = ("failed", None), ("diverged", 90.0)


def typeset(sentence):
    return re.sub(r"(?<!\w)-(?=\d)", MINUS, sentence)


def plus(*gains):
    return [round(r + g, 4) for r, g in zip(RELU, gains, strict=False)]


EQUIVALENCE = {"kind": "equivalence", "margin": 0.005}
CLOSE, APART = (0.05, -0.03, 0.02, 0.04, -0.06), (0.3, -0.6, 0.1, 0.9, -0.1)
