"""A trial that was read from a record is checked before anything of it is used."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from ablab.config.compose import compose
from ablab.config.recorded import record_faults
from ablab.config.trial import key_of, resolve


@pytest.fixture
def trial(own_home: None) -> dict[str, Any]:
    import copy

    small = ["dataset=digits", "architecture=mlp", "architecture.widths=[8]"]
    return copy.deepcopy(resolve(compose(small)).as_dict())


def test_what_ablab_records_has_no_fault(trial: dict[str, Any]) -> None:
    assert record_faults(trial) == []


Change = Callable[[dict[str, Any]], object]


def _with_key(trial: dict[str, Any]) -> None:
    """Give a changed trial the key that belongs to it: anybody can compute one."""
    trial["key"] = key_of(trial["config"], trial["data_hash"], trial["sources"])


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda t: t["config"]["optimizer"].update(lr=0.5), "key must be that of its config"),
        (lambda t: t.update(data_hash="0" * 64), "key must be that of its config"),
        (lambda t: t.update(key="../../x"), "key must be that of its config"),
    ],
)
def test_a_key_of_another_configuration_is_a_fault(
    trial: dict[str, Any], change: Change, fault: str
) -> None:
    change(trial)
    assert record_faults(trial)[0].startswith(fault)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            lambda c: c["activation"].update(inplace={"_target_": "torch.nn.ReLU"}),
            "activation.inplace must not contain a _target_",
        ),
        (
            lambda c: c["loss"].update(x=[{"a": [{"_target_": "torch.nn.ReLU"}]}]),
            "loss.x must not contain a _target_",
        ),
        (
            lambda c: c["dataset"].update(path="${oc.env:HOME}"),
            "dataset.path must be resolved in a record",
        ),
        (lambda c: c["trainer"].update(max_epochs=10**400), "trainer.max_epochs must be at most"),
        (lambda c: c.update(x="\0"), "x must be text in UTF-8 without NUL"),
        (lambda c: c.update({"a\x1b[2J": 1}), "every key must be printable text"),
        (lambda c: c.update(x=[0] * 60_000), "configuration must be at most 50,000 values"),
        (lambda c: c.update(activation=None), "activation must be a group"),
        (lambda c: c["activation"].pop("_target_"), "activation must be a component"),
        (lambda c: c["activation"].update(_target_=["torch.nn.ReLU"]), "activation must be a comp"),
        (lambda c: c.pop("trainer"), "trainer must be a group"),
        (lambda c: c.pop("devices"), "devices must be a group"),
    ],
)
def test_a_configuration_from_outside_is_bounded_whatever_its_key(
    trial: dict[str, Any], change: Change, fault: str
) -> None:
    change(trial["config"])
    with suppress(KeyError, TypeError, ValueError):  # of some, no key can be computed
        _with_key(trial)
    (first, *_) = record_faults(trial)
    assert first.startswith(fault)
    assert first.isprintable()


@pytest.mark.parametrize("name", ["config", "sources", "choices"])
@pytest.mark.parametrize("value", [None, 3, "text", []])
def test_a_record_of_another_form_is_a_fault(
    trial: dict[str, Any], name: str, value: object
) -> None:
    assert record_faults({**trial, name: value})


@pytest.mark.parametrize("name", ["sources", "choices"])
def test_names_of_a_record_must_be_text(trial: dict[str, Any], name: str) -> None:
    assert "must be text" in record_faults({**trial, name: {"a": 1}})[0]


def test_a_number_of_processes_may_be_part_of_the_key(trial: dict[str, Any]) -> None:
    from ablab.config.trial import content_key

    trial["config"]["devices"] |= {"devices": 2, "strategy": "ddp"}
    assert record_faults(trial) == []
    trial["key"] = content_key(trial["config"], trial["data_hash"], trial["sources"], 2)
    assert record_faults(trial) == []
    trial["config"]["devices"]["devices"] = 1
    assert record_faults(trial)
