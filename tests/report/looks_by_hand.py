"""Sweeps with looks, grown as the engine grows them: each look trains what is undecided."""

import numpy as np
from tables_by_hand import row, spec

from ablab.report.analysis.looks import follow

SIZES = (5, 10, 15, 20)


def looks(futility=None, sizes=SIZES, spending="obrien_fleming"):
    return {"looks": {"sizes": list(sizes), "spending": spending, "futility": futility}}


def accuracies(generator, shifts, sd=0.1, seeds=20):
    """Draw accuracies in per cent, one list a variant; a unit of shift is a standard deviation."""
    values = generator.normal(98.0, sd, (len(shifts), seeds)) + sd * np.array(shifts)[:, None]
    names = ["relu", *(f"v{i}" for i in range(1, len(shifts)))]
    return {
        name: [round(float(x), 2) for x in per] for name, per in zip(names, values, strict=True)
    }


def grow(outcomes, question=None, **more):
    """Return the rows in the end, the question, and the progress after each look."""
    question = question or spec(outcomes, **(looks() | more))
    variants, rows, history, trained = list(outcomes), [], [], 0
    while variants:
        size = question.looks.next_after(trained)
        rows += [row(v, s, outcomes[v][s]) for v in variants for s in range(trained, size)]
        trained = size
        history.append(follow(rows, question))
        variants = list(history[-1].variants)
    return rows, question, history
