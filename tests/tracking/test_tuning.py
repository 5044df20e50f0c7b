"""What a plan stores of its tuning."""

from typing import Any

import pytest

from ablab.tracking.spec import read_spec
from ablab.tracking.tuning import chosen_by_cell, is_tuned_otherwise, merge_tuning


def tune(**searches: str) -> dict[str, Any]:
    chosen = [
        {"variant": name, "block": "b", "search": search, "values": {"optimizer.lr": 0.1}}
        for name, search in searches.items()
    ]
    return {"method": "grid", "chosen": chosen}


WHOLE = {
    **{"method": "grid", "pruning": "none", "metric": "val/accuracy", "goal": "max"},
    **{"trials": 3, "epochs": None, "seeds": [9000]},
}
CHOSEN = {"variant": "relu", "block": "b", "search": "1", "values": {}, "value": 0.9}
CHOSEN |= {"edges": [], "importance": {}}


def test_tuning_of_a_plan_is_checked_when_it_is_read():
    assert read_spec({"tune": WHOLE | {"chosen": [CHOSEN]}}).tune["trials"] == 3
    wrong = [
        3,
        {key: value for key, value in WHOLE.items() if key != "goal"},
        WHOLE | {"trials": True},
        WHOLE | {"epochs": "3"},
        WHOLE | {"seeds": 9000},
        WHOLE | {"chosen": [{key: v for key, v in CHOSEN.items() if key != "search"}]},
        WHOLE | {"chosen": [CHOSEN | {"value": None}]},
        WHOLE | {"chosen": [CHOSEN | {"edges": "all"}]},
    ]
    for tune in wrong:
        with pytest.raises(TypeError):
            read_spec({"tune": tune})


def test_chosen_values_are_found_by_variant_and_block():
    assert set(chosen_by_cell(tune(relu="1", tanh="2"))) == {("relu", "b"), ("tanh", "b")}
    assert chosen_by_cell(None) == {}
    assert chosen_by_cell(True) == {}


def test_tuning_differs_by_the_searches_of_what_both_have():
    assert not is_tuned_otherwise(None, None)
    assert not is_tuned_otherwise(tune(relu="1"), tune(relu="1", elu="2"))
    assert is_tuned_otherwise(tune(relu="1"), tune(relu="2"))
    assert is_tuned_otherwise(tune(relu="1"), None)
    assert is_tuned_otherwise(None, tune(relu="1"))


def test_merged_tuning_keeps_what_was_chosen_for_other_variants():
    merged = merge_tuning(tune(relu="1", tanh="2"), tune(relu="1", elu="3"))
    assert {each["variant"] for each in merged["chosen"]} == {"relu", "tanh", "elu"}
    assert merge_tuning(tune(relu="1"), None) is None
