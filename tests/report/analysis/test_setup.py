"""The setup: settings that trials share, and those that variants and blocks change."""

import html
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tables_by_hand import row, spec

from ablab.report.analysis.setup import setup
from ablab.report.analysis.trials import FIELDS, Row
from ablab.report.build import write_report
from ablab.report.mlflow.naming import Naming
from ablab.report.mlflow.report import foreign_page
from ablab.report.page.page import Page
from ablab.tracking.foreign import ForeignRun
from ablab.tracking.plan import Cell, Part, Plan

FACTS = {"train_images": 48_000, "val_images": 12_000, "test_images": 10_000}
BLOCK = "mnist · lenet5"
YAML = "sweep:\n  question: '```x```'\n"


def trial(seed: int, lr: float = 0.1, activation: str = "relu", **more: Any) -> dict[str, Any]:
    """Return a trial as a plan stores it; ``more`` are values by group."""
    node: dict[str, Any] = {"_target_": f"torch.nn.{activation}"}
    config = {
        "dataset": {"_target_": "x.mnist", "val_fraction": 0.2, "split_seed": None},
        "activation": node | ({"alpha": 1.0} if activation == "elu" else {}),
        "optimizer": {"_target_": "torch.optim.SGD", "lr": lr, "betas": [0.9, 0.99]},
        "trainer": {"max_epochs": 3, "gradient_clip_val": None},
        "launcher": {"slots": 2},
        "seed": seed,
        "batch_size": 64,
    }
    choices = {"dataset": "mnist", "activation": activation, "optimizer": "sgd", "trainer": "d"}
    return {"config": config | more, "choices": choices, "outside_key": ["launcher"]}


def plan_of(
    trials: Mapping[tuple[str, int, str], Mapping[str, Any]], yaml: Sequence[str] = ()
) -> Plan:
    variants = list(dict.fromkeys(variant for variant, _, _ in trials))
    blocks = {block: {} for _, _, block in trials}
    seeds = sorted({seed for _, seed, _ in trials})
    question = spec(variants, blocks=blocks, seeds=seeds, baseline=variants[0])
    cells = tuple(Cell(*cell_id, "-".join(map(str, cell_id))) for cell_id in trials)
    frozen = {cell.key: trials[cell.id] for cell in cells}
    first = Part("comparison", 0.0, "ablab sweep x", question, cells, frozen, (), "".join(yaml[:1]))
    more = [Part("extension", 1.0, "ablab sweep x", question, (), {}, (), y) for y in yaml[1:]]
    return Plan("x", (first, *more))


def rows_of(plan: Plan, metadata: Mapping[str, Any] = FACTS) -> tuple[Row, ...]:
    rows = (row(c.variant, c.seed, 90.0 + c.seed, c.block) for c in plan.cells)
    metrics = dict.fromkeys(FIELDS, math.nan)
    return tuple(replace(each, metrics=metrics, metadata=metadata) for each in rows)


def page(plan: Plan, rows: Sequence[Row] | None = None) -> Page:
    return Page(plan, tuple(rows if rows is not None else rows_of(plan)))


def activations() -> dict[tuple[str, int, str], dict[str, Any]]:
    return {(a, s, BLOCK): trial(s, activation=a) for s in range(3) for a in ("relu", "elu")}


def tables(page: Page) -> dict[str, list[tuple[str, ...]]]:
    """Each table of the section by its heading."""
    (section,) = [section for section in page.sections if section.name == "setup"]
    items = [item for item in section.parts[0].items if item.kind == "table"]
    return {
        item.title or item.summary: [item.table.columns, *(texts for texts, _ in item.table.rows)]
        for item in items
    }


def test_common_settings_are_named_component_first_and_runtime_is_not() -> None:
    assert tables(page(plan_of(activations())))[""] == [
        ("part", "choice", "values"),
        ("dataset", "mnist", "val_fraction=0.2"),
        ("images", "", "48,000 training, 12,000 validation, 10,000 test"),
        ("activation", "by variant", ""),
        ("optimizer", "sgd", "lr=0.1, betas=[0.9, 0.99]"),
        ("batch size", "64", ""),
        ("trainer", "", "max_epochs=3"),
    ]


def test_each_variant_has_the_settings_that_it_changes() -> None:
    assert tables(page(plan_of(activations())))["Settings of each variant"] == [
        ("variant", "activation"),
        ("relu", "relu"),
        ("elu", "elu: alpha=1.0"),
    ]


def test_a_varying_setting_is_named_beside_the_shared_ones() -> None:
    rates = {"fast": 0.5, "slow": 0.01}
    plan = plan_of({(v, s, BLOCK): trial(s, lr) for s in (0, 1) for v, lr in rates.items()})
    shown = tables(page(plan))
    assert ("optimizer", "sgd", "betas=[0.9, 0.99], lr by variant") in shown[""]
    assert shown["Settings of each variant"][1:] == [("fast", "lr=0.5"), ("slow", "lr=0.01")]


def test_settings_of_blocks_and_of_cells_have_their_own_tables() -> None:
    def made(seed: int, activation: str, block: str) -> dict[str, Any]:
        lr = 0.5 if (activation, block) == ("elu", "large") else 0.1
        return trial(seed, lr, activation, batch_size=256 if block == "large" else 64)

    cells = [(a, s, b) for s in (0, 1) for b in ("small", "large") for a in ("relu", "elu")]
    shown = tables(page(plan_of({(a, s, b): made(s, a, b) for a, s, b in cells})))
    assert shown["Settings of each variant"][0] == ("variant", "activation")
    assert shown["Settings of each block"][1:] == [("small", "64"), ("large", "256")]
    assert shown["Settings of each variant and block"][1:] == [
        ("relu · small", "lr=0.1"),
        ("elu · small", "lr=0.1"),
        ("relu · large", "lr=0.1"),
        ("elu · large", "lr=0.5"),
    ]


def test_no_setting_of_any_trial_is_lost_or_invented() -> None:
    trials = activations() | {("wide", s, BLOCK): trial(s, batch_size=1) for s in range(3)}
    made = setup(plan_of(trials), ())
    for (variant, _, block), frozen in trials.items():
        settings = made.common | made.variants.get(variant, {}) | made.blocks.get(block, {})
        settings |= made.cells.get((variant, block), {})
        for group in ("dataset", "activation", "optimizer"):
            node = frozen["config"][group]
            assert settings[group] == frozen["choices"][group]
            values = {
                k.partition(".")[2]: v for k, v in settings.items() if k.startswith(f"{group}.")
            }
            assert values == node
        assert settings["batch_size"] == frozen["config"]["batch_size"]
        assert not [name for name in settings if name.startswith("launcher")]
    assert made.seeded == ("seed",)


def test_true_is_not_one_and_absent_is_not_null() -> None:
    values = {"a": {"x": 1}, "b": {"x": True}, "c": {}, "d": {"x": None}}
    plan = plan_of({(v, 0, BLOCK): trial(0, data=node) for v, node in values.items()})
    made = setup(plan, ())
    assert "data.x" not in made.common
    values = {"a": {"data.x": 1}, "b": {"data.x": True}, "d": {"data.x": None}}
    assert json.dumps(made.variants) == json.dumps(values)


def test_a_setting_that_depends_on_the_seed_is_marked() -> None:
    trials = {
        (v, s, BLOCK): trial(s, data={"train_images": 100 * s + 100})
        for s in (0, 1)
        for v in ("relu", "elu")
    }
    made = page(plan_of(trials))
    text = made.render("report.md.j2")
    assert "Seeds: 0, 1. Set by the seed: data.train\\_images." in text


def test_images_of_unfinished_trials_are_not_required() -> None:
    plan = plan_of(activations())
    done = rows_of(plan)
    none = [replace(each, metadata={}) for each in done]
    half = [new if old.variant == "elu" else old for old, new in zip(done, none, strict=True)]
    assert tables(page(plan, half))[""][2][2] == "48,000 training, 12,000 validation, 10,000 test"
    assert "images" not in [texts[0] for texts in tables(page(plan, none))[""]]


def test_all_settings_are_listed_in_a_folded_block() -> None:
    shown = tables(page(plan_of(activations())))
    (every,) = [shown[title] for title in shown if title.startswith("All ")]
    assert ("dataset.split_seed", "null") in every
    assert ("trainer.gradient_clip_val", "null") in every
    assert ("optimizer._target_", "torch.optim.SGD") in every


def test_page_and_markdown_hold_the_yaml_unchanged(tmp_path: Path) -> None:
    report = write_report(page(plan_of(activations(), [YAML, YAML, "sweep: {}\n"])), tmp_path)
    text, twin = (path.read_text("utf-8") for path in (report.html, report.markdown))
    found = re.findall("<pre><code>(.*?)</code></pre>", text, re.DOTALL)
    assert [html.unescape(each) for each in found] == [YAML.rstrip(), "sweep: {}"]
    assert f"````yaml\n{YAML.rstrip()}\n````\n" in twin
    assert "as it was planned, version 2 of 2" in twin
    assert json.loads(report.json.read_text("utf-8"))["setup"]["yaml"] == [YAML, "sweep: {}\n"]


def test_the_verdict_links_to_the_setup_if_there_is_one(tmp_path: Path) -> None:
    report = write_report(page(plan_of(activations())), tmp_path / "a")
    assert '<a href="#setup">' in report.html.read_text("utf-8")
    bare = {cell: {} for cell in activations()}
    plan = plan_of(bare)
    report = write_report(page(plan, rows_of(plan, {})), tmp_path / "b")
    assert "#setup" not in report.html.read_text("utf-8")


def test_json_holds_the_setup_with_its_types(tmp_path: Path) -> None:
    report = write_report(page(plan_of(activations())), tmp_path)
    found = json.loads(report.json.read_text("utf-8"))["setup"]
    assert found["common"]["optimizer.betas"] == [0.9, 0.99]
    assert found["common"]["images.training"] == 48_000
    assert found["variants"]["elu"]["activation.alpha"] == 1.0


class Store:
    """The part of a store that `foreign_page` uses."""

    def __init__(self, runs: list[ForeignRun]) -> None:
        self._runs = runs

    def runs(self, _: str) -> list[ForeignRun]:
        return self._runs


def others(**params: Any) -> list[ForeignRun]:
    runs = []
    for model in ("small", "big"):
        for seed in range(3):
            own = {name: str(v(model, seed) if callable(v) else v) for name, v in params.items()}
            name, value = f"{model}-{seed}", 0.9 + 0.01 * seed + 0.01 * (model == "big")
            given = {"seed": str(seed), **own}
            run = ForeignRun(
                name, name, "FINISHED", 1.0, 2.0, {"model": model}, given, {"acc": value}
            )
            runs.append(run)
    return runs


def test_mlflow_runs_have_their_params_as_settings(tmp_path: Path) -> None:
    runs = others(lr=0.1, width=lambda model, _: len(model), host=lambda model, seed: model * seed)
    naming = Naming("nets", "tags.model", "params.seed", "acc", baseline="small")
    report = write_report(foreign_page(Store(runs), naming), tmp_path)  # type: ignore[arg-type]
    twin = report.markdown.read_text("utf-8").replace("\\", "")
    assert "Params of these runs as logged to MLflow" in twin
    assert "Different in each run: host." in twin
    assert "| lr | 0.1 |" in twin
    assert "| small | 5 |" in twin
    assert "as the plan froze it" not in twin


def test_mlflow_runs_without_params_have_no_setup(tmp_path: Path) -> None:
    naming = Naming("nets", "tags.model", "params.seed", "acc", baseline="small")
    report = write_report(foreign_page(Store(others()), naming), tmp_path)  # type: ignore[arg-type]
    assert "## Setup" not in report.markdown.read_text("utf-8")
