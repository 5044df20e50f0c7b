import numpy as np
from looks_by_hand import accuracies, grow, looks
from tables_by_hand import analyze_rows, rows, spec

from ablab.report.page.context import Context
from ablab.report.page.sections.looks import section


def table_of(analysis):
    (part,) = section(Context(analysis)).parts
    return part.items[0].table


def test_each_look_has_its_trials_and_what_it_decided():
    table, question, _ = grow(accuracies(np.random.default_rng(1), [0, 0.3, 300]))
    shown = table_of(analyze_rows(table, question))
    assert shown.columns == ("look", "n", "trials", "decided", "ended undecided")
    assert [cells for cells, _ in shown.rows] == [
        ("1", "5", "15", "v2 vs. relu", "–"),
        ("2", "10", "10", "–", "–"),
        ("3", "15", "10", "–", "–"),
        ("4", "20", "10", "–", "v1 vs. relu"),
    ]


def test_nothing_is_called_decided_before_the_verdict():
    outcomes = {v: p[:5] for v, p in accuracies(np.random.default_rng(1), [0, 0.3, 300]).items()}
    shown = table_of(analyze_rows(rows(outcomes), spec(outcomes, **looks())))
    assert [cells for cells, _ in shown.rows] == [("1", "5", "15", "–", "–")]


def test_a_fixed_sweep_has_no_such_section():
    outcomes = {"relu": [98.0, 98.1, 98.2], "v1": [97.0, 97.3, 97.1]}
    assert not section(Context(analyze_rows(rows(outcomes), spec(outcomes)))).parts
