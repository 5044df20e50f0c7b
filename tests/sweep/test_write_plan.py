"""Plans grow by parts and never shrink."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ablab.sweep.planning import Draft
from ablab.sweep.write_plan import write_plan
from ablab.tracking.plan import TUNING, Cell, Part, write_part
from ablab.tracking.spec import read_spec

COMMAND = "ablab sweep mine"


def make_draft(
    variants: Iterable[str] = ("relu", "tanh"), seeds: int = 2, edit: str = "", **spec: Any
) -> Draft:
    cells = tuple(Cell(v, s, "b", f"{v}{edit}{s}") for s in range(seeds) for v in variants)
    trials: Mapping[str, Any] = {cell.key: {"key": cell.key} for cell in cells}
    content = {
        "question": "Which?",
        "baseline": next(iter(variants)),
        "seeds": list(range(seeds)),
        "blocks": {"b": {}},
    }
    content["variants"] = {name: {"activation": name} for name in variants}
    return Draft("mine", read_spec(content | spec), cells, trials, (), {})


def kinds(folder: Path, *drafts: Draft) -> list[str]:
    for one in drafts:
        plan, _ = write_plan(folder, one, COMMAND)
    return [part.kind for part in plan.parts]


def test_first_part_is_a_comparison_with_the_command(tmp_path: Path):
    plan, notes = write_plan(tmp_path, make_draft(), COMMAND)
    assert [part.kind for part in plan.parts] == ["comparison"]
    assert plan.parts[0].command == COMMAND
    assert len(plan.cells) == len(plan.trials) == 4
    assert notes == []


def test_nothing_new_writes_nothing(tmp_path: Path):
    assert kinds(tmp_path, make_draft(), make_draft()) == ["comparison"]


def test_extensions_hold_only_the_cells_of_new_seeds_and_variants(tmp_path: Path):
    write_plan(tmp_path, make_draft(), COMMAND)
    plan, _ = write_plan(tmp_path, make_draft(seeds=3), COMMAND)
    assert [cell.seed for cell in plan.parts[-1].cells] == [2, 2]
    plan, _ = write_plan(tmp_path, make_draft(("relu", "tanh", "elu"), seeds=3), COMMAND)
    assert [part.kind for part in plan.parts] == ["comparison", "extension", "extension"]
    assert {cell.variant for cell in plan.parts[-1].cells} == {"elu"}
    assert plan.spec.seeds == (0, 1, 2)
    assert len(plan.cells) == 9


def test_plan_never_shrinks_and_a_note_says_so(tmp_path: Path):
    write_plan(tmp_path, make_draft(seeds=3), COMMAND)
    plan, notes = write_plan(tmp_path, make_draft(("relu",), seeds=1), COMMAND)
    assert len(plan.parts) == 1
    assert len(plan.cells) == 6
    assert notes == ["The plan keeps 5 trials that this command did not ask for."]


def test_baseline_is_kept_by_a_command_with_fewer_variants(tmp_path: Path):
    write_plan(tmp_path, make_draft(("relu", "tanh")), COMMAND)
    plan, _ = write_plan(tmp_path, make_draft(("tanh",), seeds=3), COMMAND)
    assert plan.spec.baseline == "relu"


def test_excluded_combinations_are_recorded_once(tmp_path: Path):
    left_out = ({"variant": "elu", "block": "b", "reason": "too deep"},)
    for seeds in (1, 2):
        one = replace(make_draft(seeds=seeds), excluded=left_out)
        plan, _ = write_plan(tmp_path, one, COMMAND)
    assert [part.excluded for part in plan.parts] == [left_out, ()]


def test_changed_trial_of_a_cell_starts_a_new_comparison(tmp_path: Path):
    write_plan(tmp_path, make_draft(seeds=3), COMMAND)
    plan, notes = write_plan(tmp_path, make_draft(edit="-edited"), COMMAND)
    assert [part.kind for part in plan.parts] == ["comparison"]
    assert plan.first_number == 2
    assert {cell.key for cell in plan.cells} == {c.key for c in make_draft(edit="-edited").cells}
    assert "new comparison" in notes[0]


def test_renamed_variant_is_not_counted_twice(tmp_path: Path):
    write_plan(tmp_path, make_draft(("relu",), seeds=1), COMMAND)
    renamed = Draft(
        "mine", make_draft(("ReLU",), seeds=1).spec, (Cell("ReLU", 0, "b", "relu0"),),
        {"relu0": {"key": "relu0"}}, (), {},
    )  # fmt: skip
    plan, _ = write_plan(tmp_path, renamed, COMMAND)
    assert [cell.variant for cell in plan.cells] == ["ReLU"]


def test_changed_question_is_written_without_new_cells(tmp_path: Path):
    write_plan(tmp_path, make_draft(kind="best"), COMMAND)
    plan, _ = write_plan(tmp_path, make_draft(kind="versus_baseline"), COMMAND)
    assert plan.parts[-1].kind == "extension"
    assert plan.parts[-1].cells == ()
    assert plan.spec.kind == "versus_baseline"
    assert len(plan.cells) == 4


def test_each_part_stores_its_yaml(tmp_path: Path):
    first, second = (
        replace(make_draft(), yaml="seeds: 2\n"),
        replace(make_draft(seeds=3), yaml="seeds: 3\n"),
    )
    write_plan(tmp_path, first, COMMAND)
    plan, _ = write_plan(tmp_path, second, COMMAND)
    assert [part.yaml for part in plan.parts] == ["seeds: 2\n", "seeds: 3\n"]


LOOKS = {"sizes": [2, 4], "spending": "pocock", "futility": None}


def test_of_looks_the_first_is_planned_and_the_same_command_adds_none(tmp_path: Path):
    plan, _ = write_plan(tmp_path, make_draft(seeds=4, looks=LOOKS), COMMAND)
    assert plan.spec.seeds == (0, 1)
    assert {cell.seed for cell in plan.cells} == {0, 1}
    assert kinds(tmp_path, make_draft(seeds=4, looks=LOOKS)) == ["comparison"]


def test_looks_begin_anew_where_trials_are_others(tmp_path: Path):
    write_plan(tmp_path, make_draft(seeds=4, looks=LOOKS), COMMAND)
    other = {"sizes": [3, 4], "spending": "pocock", "futility": None}
    plan, _ = write_plan(tmp_path, make_draft(seeds=4, edit="x", looks=other), COMMAND)
    assert plan.first_number == 2
    assert {cell.seed for cell in plan.cells} == {0, 1, 2}


def test_looks_begin_after_tuning_and_anew_where_it_was_another(tmp_path: Path):
    def tuned(trials: int) -> dict[str, Any]:
        chosen = {"variant": "relu", "block": "b", "search": str(trials), "values": {}, "value": 1}
        definition = {"method": "random", "pruning": "", "metric": "val/accuracy", "goal": "max"}
        definition |= {"trials": trials, "seeds": [9000]}  # type: ignore[dict-item]
        return {**definition, "chosen": [{**chosen, "importance": {}, "edges": []}]}

    tuning = make_draft(seeds=4, looks=LOOKS, tune=tuned(2))
    write_part(tmp_path, Part(TUNING, 0.0, COMMAND, tuning.spec, (), {}))
    plan, _ = write_plan(tmp_path, tuning, COMMAND)
    assert plan.spec.seeds == (0, 1)
    plan, notes = write_plan(tmp_path, make_draft(seeds=4, looks=LOOKS, tune=tuned(3)), COMMAND)
    assert notes == ["Its variants are tuned in another way now: a new comparison begins."]
    assert plan.spec.seeds == (0, 1)
