"""Every identity holds to rounding in float64, and would not hold of other operands."""

import numpy as np
import pytest

from ablab.reference import identities
from ablab.reference.identities import IDENTITIES, Identity


@pytest.mark.parametrize("name", sorted(IDENTITIES))
def test_identity_holds_to_rounding(name: str) -> None:
    identity = IDENTITIES[name]()
    assert identity.residual < 1e-12
    assert identity.formula.count("=") >= 1
    assert identity.cost


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("linear_stack", "linear"),
        ("weight_sharing", "cross_correlation"),
        ("translation", "cross_correlation"),
        ("pixelwise_map", "cross_correlation"),
        ("two_small_kernels", "cross_correlation"),
        ("dilated_kernel", "cross_correlation"),
        ("shifted_sigmoid", "sigmoid"),
        ("mean_windows", "window"),
        ("equal_gradients", "real_time"),
    ],
)
def test_a_fault_in_one_side_shows_in_the_residual(
    name: str, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, calls = getattr(identities, part), 0

    def wrong(*args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        value = right(*args, **kwargs)
        if calls % 2:
            return value
        return type(value)(*(1.01 * v for v in value)) if isinstance(value, tuple) else 1.01 * value

    if name in ("shifted_sigmoid", "equal_gradients", "weight_sharing", "pixelwise_map"):
        calls = 1  # it is called once
    monkeypatch.setattr(identities, part, wrong)
    identity: Identity = IDENTITIES[name]()
    assert identity.residual > 1e-4


def test_weight_sharing_counts_weights_by_image_size() -> None:
    assert "32 pixels: 108 and 97,200" in IDENTITIES["weight_sharing"]().cost


def test_windows_of_the_notes() -> None:
    assert "10 for 0.9, 10.0503 for 0.9005, 1000 for 0.999, 2000 for 0.9995" in (
        IDENTITIES["mean_windows"]().cost
    )
    assert np.isclose(identities.window(0.9005), 10.05, atol=0.01)
