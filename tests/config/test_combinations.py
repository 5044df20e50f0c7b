"""Values that exclude each other are refused before training."""

import pytest

from ablab.config.compose import compose
from ablab.config.dry_build import dry_build
from ablab.config.validate import validate
from ablab.faults import ConfigError


@pytest.mark.parametrize(
    ("overrides", "key", "other"),
    [
        (("optimizer=lbfgs", "trainer.precision=16-mixed"), "optimizer", "trainer.precision"),
        (("optimizer=lbfgs", "trainer.gradient_clip_val=1"), "optimizer", "gradient_clip_val is 1"),
        (("optimizer=lbfgs", "devices=ddp"), "optimizer", "devices.strategy is ddp"),
        (("optimizer=nadam", "trainer.precision=64-true"), "optimizer", "precision is 64-true"),
        (("regularizer=max_norm", "optimizer=schedule_free"), "regularizer", "optimizer._target_"),
    ],
)
def test_values_that_exclude_each_other_are_refused(
    overrides: tuple[str, ...], key: str, other: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        validate(compose(overrides).resolved())
    (fault,) = caught.value.faults
    assert fault.startswith(f"{key}._target_ must not be ")
    assert other in fault


@pytest.mark.parametrize(
    "overrides",
    [("optimizer=lbfgs",), ("optimizer=schedule_free",), ("regularizer=max_norm",)],
)
def test_each_value_alone_is_valid(overrides: tuple[str, ...]) -> None:
    validate(compose(overrides).resolved())


@pytest.mark.parametrize(
    ("override", "rule"),
    [
        ("optimizer.line_search_fn=armijo", "strong_wolfe or null"),
        ("optimizer.max_iter=0", "an integer >= 1"),
        ("optimizer.history_size=0", "an integer >= 1"),
    ],
)
def test_values_that_lbfgs_would_refuse_in_training_are_refused_before(
    override: str, rule: str
) -> None:
    with pytest.raises(ConfigError, match=f"{override.partition('=')[0]} must be {rule}, got"):
        dry_build(compose(["optimizer=lbfgs", override]).resolved())
