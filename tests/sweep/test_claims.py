"""Contract of the claims that come with ablab: each says what would support it and can be run."""

import os
from pathlib import Path

import pytest

from ablab.errors import InputError
from ablab.faults import ConfigError
from ablab.folders import shipped_folder
from ablab.reference.identities import IDENTITIES
from ablab.sweep.claims import FULL, SMALL, ClaimSweep, choose, merge, pretraining, read_claims
from ablab.sweep.planning import plan_sweep
from ablab.sweep.spec import parse
from ablab.tracking.claim import IDENTITY

CLAIMS = read_claims()
FILES = {path.stem: path for path in (shipped_folder("sweeps") / "claims").glob("*.yaml")}
PLANNED = [each for each in CLAIMS if not each.claim.pretrain]
needs_data = pytest.mark.skipif("ABLAB_DATA" not in os.environ, reason="needs data: ABLAB_DATA")


def name(each: ClaimSweep) -> str:
    return each.name


def test_the_list_is_complete_and_numbered() -> None:
    assert [each.claim.number for each in CLAIMS] == list(range(1, 44))
    assert {each.name for each in CLAIMS} == FILES.keys()


def test_every_identity_is_claimed() -> None:
    claimed = {e.check for c in CLAIMS for e in c.claim.expects if e.expect == IDENTITY}
    assert claimed == IDENTITIES.keys()


@pytest.mark.parametrize("each", CLAIMS, ids=name)
def test_a_claim_says_what_its_hyperparameters_are_and_has_a_full_size(each: ClaimSweep) -> None:
    first, second = FILES[each.name].read_text("utf-8").splitlines()[:2]
    assert first == "# @package _global_"
    assert second.startswith("# ")
    assert each.claim.hyperparameters
    assert each.claim.full
    only_exact = all(e.expect == IDENTITY for e in each.claim.expects)
    assert bool(each.claim.second) != only_exact


@needs_data
@pytest.mark.parametrize("each", PLANNED, ids=name)
def test_the_small_size_can_be_planned(each: ClaimSweep) -> None:
    draft = plan_sweep(each.name, each.overrides(SMALL))
    assert draft.sweep == each.sweep(SMALL) == each.name
    assert draft.spec.claim == each.claim
    assert not draft.excluded
    blocks = max(1, len(draft.spec.blocks))
    assert len(draft.cells) == len(draft.spec.variants) * blocks * len(draft.spec.seeds)


@needs_data
@pytest.mark.slow
@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("each", PLANNED, ids=name)
def test_the_full_size_and_the_second_setting_can_be_planned(
    each: ClaimSweep, second: bool
) -> None:
    size = SMALL if second else FULL
    draft = plan_sweep(each.name, each.overrides(size, second=second))
    assert draft.sweep == each.sweep(size, second=second)
    assert not draft.excluded


@needs_data
def test_weights_to_start_from_are_trained_first() -> None:
    (each,) = (each for each in CLAIMS if each.claim.pretrain)
    with pytest.raises(ConfigError, match=r"must be trained before transfer, .*`ablab claims run "):
        plan_sweep(each.name)
    needed = pretraining(each.claim, ["sweep.seeds=3", "dataset=fashion_mnist", "seed=1"])
    assert needed == ["seed=1", *each.claim.pretrain]


def test_later_overrides_replace_earlier_ones_of_the_same_key() -> None:
    assert merge(["a=1", "b=2"], ["b=3"], ["c=4"]) == ["a=1", "b=3", "c=4"]
    made = ClaimSweep("x", parse(NODE).claim)  # type: ignore[arg-type]
    assert made.overrides(FULL, second=True) == ["batch_size=64", "dataset=digits"]
    assert made.sweep(SMALL) == "x"
    assert made.sweep(SMALL, second=True) == "x [dataset=digits]"


NODE = {
    "question": "?",
    "kind": "best",
    "grid": {"activation": ["relu", "tanh"]},
    "claim": {
        "says": "x",
        "source": "S0",
        "expects": [{"expect": "higher", "of": "relu", "than": "tanh"}],
        "full": ["dataset=mnist", "batch_size=64"],
        "second": ["dataset=digits"],
    },
}


def test_claims_are_chosen_by_number_or_name() -> None:
    assert choose(CLAIMS, []) == CLAIMS
    chosen = choose(CLAIMS, ["workflow", "2"])
    assert [each.claim.number for each in chosen] == [2, 43]
    with pytest.raises(InputError, match=r"claims must be numbers or names of claims, .*, got 44"):
        choose(CLAIMS, ["1", "44"])


def test_a_users_claim_is_listed_after_those_of_ablab(
    sweeps: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sweeps.parent)
    (sweeps / "mine.yaml").write_text(
        "# @package _global_\nsweep:\n  question: '?'\n  kind: best\n"
        "  grid: {activation: [relu, tanh]}\n  claim:\n    says: x\n    source: S0\n"
        "    expects: [{expect: higher, of: relu, than: tanh}]\n"
    )
    assert read_claims()[-1].name == "mine"
    assert [each.name for each in read_claims()[:-1]] == [each.name for each in CLAIMS]
