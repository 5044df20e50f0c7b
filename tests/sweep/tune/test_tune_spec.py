"""`sweep.tune` and `sweep.search` as written in a YAML: what is read, and what is refused."""

import importlib.util
from typing import Any

import pytest

from ablab.faults import ConfigError
from ablab.sweep.spec import SEARCHED, parse
from ablab.sweep.tune import checks
from ablab.sweep.tune.search import Search
from ablab.sweep.tune.space import Range, Values

LR = {"optimizer.lr": [0.1, 0.01]}
GRID: dict[str, Any] = {"method": "grid", "space": LR}
TWO = {"relu": {"activation": "relu"}, "tanh": {"activation": "tanh"}}


def node(**tune: Any) -> dict[str, Any]:
    return {"question": "Which?", "kind": "best", "variants": TWO, "tune": GRID | tune}


def search(**tune: Any) -> Search:
    found = parse(node(**tune)).search
    assert found is not None
    return found


def faults(content: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(content)
    return str(caught.value)


def test_defaults_are_tpe_on_one_seed_of_its_own_without_pruning():
    found = search(method=None, trials=5)
    assert (found.method, found.trials, found.epochs) == ("tpe", 5, None)
    assert search().seeds == (9000,)
    assert (search().pruning, search().at_once, search().only) == ("none", 1, False)


def test_lists_define_the_budget_of_grid_and_one_at_a_time():
    space = {**LR, "batch_size": [16, 32, 64]}
    assert search(space=space).trials == 6
    assert search(space=space, method="one_at_a_time").trials == 5
    assert search(space=space, trials=6).trials == 6


def test_variants_may_have_a_space_of_their_own():
    found = search(variants={"tanh": {"optimizer.lr": [1.0, 2.0]}})
    assert found.space_of("relu") == {"optimizer.lr": Values((0.1, 0.01))}
    assert found.space_of("tanh") == {"optimizer.lr": Values((1.0, 2.0))}


def test_seeds_are_a_count_of_seeds_from_9000_on():
    assert search(seeds=3).seeds == (9000, 9001, 9002)
    assert parse(node()).seeds == (0,)


def test_search_without_a_comparison_has_one_variant_and_no_settings():
    found = parse({"question": "Which?", "search": GRID})
    assert found.search is not None
    assert found.search.only
    assert found.variants == {SEARCHED: {}}


def test_plan_stores_the_search_as_the_yaml_writes_it():
    space = {"optimizer.lr": {"low": 0.1, "high": 1.0, "log": True}}
    plain = search(method="random", trials=3, space=space, epochs=2).plain()
    assert plain["space"] == space
    assert (plain["trials"], plain["epochs"], plain["seeds"]) == (3, 2, [9000])


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"method": "tpee"}, "sweep.tune.method must be one of grid, one_at_a_time, random, tpe"),
        ({"trails": 3}, "(did you mean trials?)"),
        ({"pruning": "hyper"}, "sweep.tune.pruning must be one of halving, median, none"),
        ({"trials": 0}, "sweep.tune.trials must be a count >= 1, got 0"),
        ({"epochs": "few"}, "sweep.tune.epochs must be a count >= 1, got 'few'"),
        ({"seeds": [1]}, "sweep.tune.seeds must be a count >= 1, got [1]"),
        ({"at_once": 0}, "sweep.tune.at_once must be a count >= 1, got 0"),
        ({"trials": 3}, "sweep.tune.space must be such that the product of its lists is 3"),
        (
            {"variants": {"tanh": {"optimizer.lr": [1.0]}}},
            "the product of its lists is 2, got 1 for tanh",
        ),
        (
            {"method": "one_at_a_time", "trials": 3},
            "the number of its values is 3, got 2 for relu, 2 for tanh",
        ),
        ({"method": "random"}, "sweep.tune.trials must be a count >= 1, got null"),
        (
            {"space": {"optimizer.lr": {"low": 0.1, "high": 1.0}}},
            "lists of values for method grid, got a range for optimizer.lr",
        ),
        ({"space": {"activation": ["elu"]}}, "what no variant sets, got activation, set by relu"),
        ({"space": {"seed": [1, 2]}}, "sweep.tune.space must set an axis or a value"),
        ({"space": {"devices.slots": [1, 2]}}, "sweep.tune.space must set an axis or a value"),
        ({"space": {"optimizer": [1]}}, "optimizer must be the name of a component, got 1"),
        ({"space": None}, "give every variant something to search, got none for relu, tanh"),
        ({"variants": {"elu": LR}}, "sweep.tune.variants must be one of relu, tanh; got elu"),
        ({"variants": 3}, "sweep.tune.variants must be a space per variant, got 3"),
        ({"pruning": "median", "seeds": 2}, "sweep.tune.seeds must be 1 where trials are pruned"),
        (
            {"epochs": 3, "space": {"trainer.max_epochs": [1, 2]}},
            "sweep.tune.epochs must be null where trainer.max_epochs is searched",
        ),
        ({"trials": 100_000, "method": "random"}, "at most 20,000 trials"),
    ],
)
def test_wrong_searches_are_refused(change: dict[str, Any], fault: str):
    assert fault in faults(node(**change))


def test_all_faults_are_reported_at_once():
    text = faults(node(method="no", trials=0, space={"optimizer.lr": []}) | {"goal": "most"})
    assert len(text.splitlines()) == 4


def test_tune_must_be_a_mapping():
    assert "sweep.tune must be a mapping of method, trials" in faults(node() | {"tune": 3})


def test_blocks_may_not_set_what_is_searched():
    blocks = {"a": {"optimizer.lr": 0.1}, "b": {"optimizer.lr": 0.2}}
    assert "what no block sets, got optimizer.lr, set by a" in faults(node() | {"blocks": blocks})


def test_comparison_may_not_use_the_seeds_of_tuning():
    rule = "sweep.seeds must be below 9000, where those of tuning begin, got 9000"
    assert rule in faults(node() | {"seeds": [1, 9000]})


def test_search_refuses_the_keys_of_a_comparison():
    content = {"question": "Which?", "search": GRID, "grid": {"activation": ["relu"]}, "seeds": 3}
    text = faults(content)
    assert "sweep.grid must be null where search is set" in text
    assert "sweep.seeds must be null where search is set, got 3" in text


def test_tuning_trials_count_among_those_of_the_sweep():
    assert "at most 20,000 trials" in faults(node(method="random", trials=11_000))


@pytest.mark.parametrize("change", [{"method": "tpe", "trials": 3}, {"pruning": "median"}])
def test_missing_optuna_is_one_line_with_the_command(
    change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(checks, "find_spec", lambda _name: None)
    (line,) = faults(node(**change)).splitlines()
    assert "pip install 'ablab[tune]'" in line
    assert parse(node()).search is not None


def test_range_is_read_with_its_scale():
    space = {"optimizer.lr": {"low": 0.1, "high": 1.0, "log": True}}
    found = search(method="random", trials=3, space=space)
    assert found.space == {"optimizer.lr": Range(0.1, 1.0, log=True)}
    assert importlib.util.find_spec("optuna") is not None  # the tests above need both answers
