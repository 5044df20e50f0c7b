"""The section on tuning: budget, chosen values, edges, importance."""

from typing import Any

import pytest
from labwriter import LabWriter
from test_sections import edit, items, outcomes, sections

MEANS = {"relu": 0.95, "elu": 0.955}


def chosen(variant: str, lr: float, *edges: str, **importance: float) -> dict[str, Any]:
    values = {"optimizer.lr": lr, "batch_size": 32}
    own = {"variant": variant, "block": "digits × mlp", "search": "a", "number": 3}
    return own | {"values": values, "value": 0.9712, "edges": edges, "importance": importance}


def tune(**change: Any) -> dict[str, Any]:
    shares = {"optimizer.lr": 0.75, "batch_size": 0.25}
    own = {"method": "tpe", "trials": 20, "epochs": 3, "seeds": [9000], "pruning": "median"}
    own |= {"metric": "val/accuracy", "goal": "max"}
    both = [chosen("relu", 0.0123456, **shares), chosen("elu", 1.0, "optimizer.lr", **shares)]
    return own | {"chosen": both} | change


@pytest.fixture
def writer(writer: LabWriter) -> LabWriter:
    writer.sweep(outcomes(MEANS), name="tuned")
    return writer


def notes(section: Any) -> str:
    return " ".join(item.text for item in items(section, "note"))


def test_section_shows_values_edges_and_importance_of_each_variant(writer: LabWriter):
    edit(writer, "tuned", tune=tune())
    section = sections(writer, "tuned")["tuning"]
    (item,) = items(section, "table")
    assert item.table.columns == (
        *("variant", "val/accuracy", "optimizer.lr", "batch_size"),
        *("importance of optimizer.lr", "importance of batch_size"),
    )
    assert [cells for cells, _ in item.table.rows] == [
        ("relu", "97.12 %", "0.01235", "32", "75 %", "25 %"),
        ("elu", "97.12 %", "1 (edge)", "32", "75 %", "25 %"),
    ]
    assert "On the edge of what was searched: elu (optimizer.lr)." in notes(section)


def test_section_states_the_budget_and_what_the_choice_looked_at(writer: LabWriter):
    edit(writer, "tuned", tune=tune())
    text = notes(sections(writer, "tuned")["tuning"])
    assert "20 trials of 3 epochs by the tree-structured Parzen estimator (TPE)" in text
    assert "on 1 seed from 9000 on, which no comparison uses, pruned by median" in text
    assert "The values with the highest val/accuracy are chosen" in text


def test_blocks_have_a_column_and_importance_none_where_it_is_not_known(writer: LabWriter):
    other = {**chosen("relu", 0.1), "block": "mnist × mlp"}
    edit(writer, "tuned", tune=tune(chosen=[chosen("relu", 0.1), other], epochs=None))
    section = sections(writer, "tuned")["tuning"]
    (item,) = items(section, "table")
    columns = ("variant", "block", "val/accuracy", "optimizer.lr", "batch_size")
    assert item.table.columns == columns
    assert all(len(cells) == 5 for cells, _ in item.table.rows)
    assert "No chosen number lies on the edge" in notes(section)


def reliability(writer: LabWriter) -> str:
    found = items(sections(writer, "tuned")["reliability"], "list")
    return " ".join(line for item in found for line in item.lines)


def test_sweep_that_was_not_tuned_has_no_section(writer: LabWriter):
    assert "tuning" not in sections(writer, "tuned")
    assert "no variant was tuned" in reliability(writer)


def test_reliability_says_that_variants_were_tuned(writer: LabWriter):
    edit(writer, "tuned", tune=tune())
    assert "tuned for each variant with the same budget" in reliability(writer)
    assert "fixed" not in reliability(writer)
