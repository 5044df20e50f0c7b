"""What `backend=fused` refuses, and which trials it lets train together."""

import pytest

from ablab.config.compose import components, compose
from ablab.config.fused import ELEMENTWISE, fused_signature
from ablab.config.trial import resolve
from ablab.config.validate import validate
from ablab.faults import ConfigError

FUSED = ("backend=fused", "architecture=mlp", "devices=cpu")


def faults(*overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        resolve(compose([*FUSED, *overrides]))
    return caught.value.faults


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["trainer.precision=bf16-mixed"],
            "trainer.precision must be 32-true or 64-true for backend=fused, got bf16-mixed",
        ),
        (["devices=ddp_cpu"], "devices.strategy must be auto for backend=fused, got ddp"),
        (
            ["devices.cuda_graph=true"],
            "devices.cuda_graph must be false for backend=fused, got true",
        ),
        (["freeze=layers.1*"], "freeze must be null for backend=fused, got layers.1*"),
        (
            ["probes=default"],
            "probes.gradient_norm must be false for backend=fused, got true",
        ),
        (["backend=other"], "backend must be one of torch, by_hand, fused, got 'other'"),
        (
            ["architecture.widths=[9]", "activation._target_=torch.nn.RReLU"],
            "backend must be torch for activation torch.nn.RReLU, got fused: it may draw from the "
            "global generators, which trials that train together share",
        ),
    ],
)
def test_what_is_not_supported_is_refused_with_the_reason(overrides: list[str], message: str):
    assert message in faults(*overrides)


@pytest.mark.parametrize("optimizer", sorted(components("optimizer")))
def test_optimizers_are_accepted_or_refused_by_name(optimizer: str):
    target = compose([f"optimizer={optimizer}"]).resolved()["optimizer"]["_target_"]
    full = ["batch_size=full"] if optimizer == "lbfgs" else []
    if target in ELEMENTWISE:
        validate(compose([*FUSED, f"optimizer={optimizer}"]).resolved())
        return
    (fault,) = faults(f"optimizer={optimizer}", *full)
    assert fault.startswith("optimizer._target_ must be one that treats each weight by itself")
    assert fault.endswith(f"got {target}")


def test_a_fused_trial_has_a_key_of_its_own():
    keys = {resolve(compose([f"backend={name}", "architecture=mlp"])).key for name in BACKENDS}
    assert len(keys) == 2


BACKENDS = ("torch", "fused")


def signature(*overrides: str) -> str:
    return fused_signature(compose([*FUSED, "dropout=dropout", *overrides]).resolved())


@pytest.mark.parametrize(
    "override",
    [
        "seed=7",
        "optimizer.lr=0.5",
        "optimizer.betas=[0.8,0.9]",
        "optimizer.weight_decay=0.1",
        "dropout.p=0.1",
        "loss.label_smoothing=0.2",
        "launcher.slots=1",
        "tracking=offline",
    ],
)
def test_trials_of_other_numbers_may_train_together(override: str):
    assert signature(override) == signature()


@pytest.mark.parametrize(
    "override",
    [
        "optimizer=sgd",
        "optimizer.amsgrad=true",
        "architecture.widths=[5]",
        "activation=elu",
        "activation._target_=torch.nn.Tanh",
        "normalization=batch",
        "dropout=none",
        "loss=mse",
        "regularizer=l2",
        "scheduler=cosine",
        "augmentation=mixup",
        "batch_size=32",
        "trainer.max_epochs=3",
        "data.train_images=500",
        "dataset.split_seed=4",
    ],
)
def test_other_trials_do_not(override: str):
    assert signature(override) != signature()
