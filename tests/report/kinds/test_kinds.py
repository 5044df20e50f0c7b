"""A kind of question: an entry with what its YAML needs, and one class in the report."""

import pytest
from tables_by_hand import RELU, plan, plus, rows

from ablab import cli
from ablab.errors import InputError
from ablab.faults import ConfigError
from ablab.report import kinds
from ablab.report.analysis.analysis import analyze
from ablab.report.kinds.versus_baseline import VersusBaseline
from ablab.report.text.verdict import verdict
from ablab.sweep.spec import parse
from ablab.tracking.kinds import KINDS, Needs

NODE = {"question": "Which is worst?", "kind": "worst", "variants": {"relu": {}, "elu": {}}}


class Worst(VersusBaseline):
    """A new kind: which variant is worst?"""

    def clauses(self, comparison):
        means = {v: group.mean for v, group in comparison.groups.items()}
        return [f"{min(means, key=means.get)} has the lowest mean"]

    def mark(self, comparison, variant):
        return "feared" if variant != comparison.baseline else ""


def test_sweeps_and_reports_have_the_same_kinds():
    assert list(kinds.KINDS) == list(KINDS)


def test_a_kind_is_added_by_its_needs_and_one_class(monkeypatch):
    with pytest.raises(ConfigError, match=r"sweep\.kind must be one of versus_baseline, best"):
        parse(NODE)
    monkeypatch.setitem(KINDS, "worst", Needs(baseline=True, margin=True))
    monkeypatch.setitem(kinds.KINDS, "worst", Worst())
    with pytest.raises(ConfigError) as error:
        parse(NODE)
    assert "sweep.margin must be a number > 0" in str(error.value)
    assert "sweep.baseline must be exactly one of relu, elu" in str(error.value)
    assert parse(NODE | {"baseline": "relu", "margin": 0.1}).kind == "worst"
    table = rows({"relu": RELU, "elu": plus(-1.2, -1.3, -1.1, -1.2, -1.0)})
    found = analyze(plan(table, kind="worst"), table)
    assert verdict(found).sentence == "At fixed hyper-parameters, elu has the lowest mean."


def test_a_margin_is_refused_except_for_kinds_that_need_one(monkeypatch):
    monkeypatch.setitem(KINDS, "worst", Needs(margin=True))
    with pytest.raises(ConfigError, match=r"unless kind is equivalence or worst, got 0\.1"):
        parse(NODE | {"kind": "best", "margin": 0.1})


def test_a_plan_of_an_unknown_kind_is_refused_in_one_line():
    table = rows({"relu": RELU, "elu": RELU})
    with pytest.raises(InputError, match=r"kind must be one of versus_baseline, .* got of_later"):
        analyze(plan(table, kind="of_later"), table)


@pytest.mark.parametrize("kind", ["equivalence", "factors"])
def test_reports_on_mlflow_runs_refuse_kinds_with_a_margin_or_a_grid(kind, capsys):
    assert cli.main(["report", "--mlflow", "e", "--kind", kind]) == 2
    message = capsys.readouterr().err
    assert "versus_baseline" in message
    assert kind in message
