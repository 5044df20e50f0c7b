"""Building of a trial: the batch of an initializer, and where a dropout acts."""

import pytest
import torch
from torch import nn

from ablab.config.compose import compose
from ablab.config.trial import key_of, resolve, used_axes
from ablab.faults import ConfigError
from ablab.model import build


def faults(*overrides: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        resolve(compose(overrides))
    return caught.value.faults


def std_of_first_outputs(*overrides: str) -> float:
    """Return the standard deviation of the first convolution's outputs on the first batch."""
    config = compose(["initializer=lsuv", *overrides]).resolved()
    data = build.datamodule(config)
    data.augmentation = None
    network = build.classifier(config, data).network
    first = next(m for m in network.modules() if isinstance(m, nn.Conv2d))
    images, _ = next(iter(data.train_dataloader()))
    with torch.no_grad():
        return float(first(images).std(correction=0))


@pytest.mark.parametrize("augmentation", ["none", "crop_flip"])
def test_lsuv_measures_the_first_training_batch_unaugmented(augmentation: str) -> None:
    std = std_of_first_outputs(f"augmentation={augmentation}", "batch_size=32", "seed=3")
    assert std == pytest.approx(1, rel=1e-5)


def test_augmentation_is_kept_after_a_data_dependent_initializer() -> None:
    config = compose(["initializer=lsuv", "augmentation=crop_flip"]).resolved()
    data = build.datamodule(config)
    augmentation = data.augmentation
    build.classifier(config, data)
    assert augmentation is not None
    assert data.augmentation is augmentation


def test_dry_build_of_a_data_dependent_initializer_needs_no_values() -> None:
    resolve(compose(["initializer=lsuv"]))
    assert faults("initializer=lsuv", "initializer.std=-1") == (
        "initializer.std must be > 0, got -1",
    )


def test_stochastic_depth_is_refused_without_residual_branches() -> None:
    (fault,) = faults("architecture=lenet5", "dropout=stochastic_depth")
    assert fault.startswith("dropout._target_ must be one that the architecture has branches for")


def test_spatial_dropout_is_refused_without_feature_maps() -> None:
    (fault,) = faults("architecture=mlp", "dropout=spatial")
    assert fault.startswith("dropout._target_ must be one that the architecture has maps for")


def test_stochastic_depth_is_used_in_residual_networks() -> None:
    overrides = ["architecture=resnet20", "dropout=stochastic_depth"]
    assert "dropout" in used_axes(resolve(compose(overrides)).config)


def test_stochastic_pooling_draws_from_the_trials_generator() -> None:
    config = compose(["pooling=stochastic"]).resolved()
    module = build.classifier(config, build.datamodule(config)).train()
    images = torch.rand(4, 1, 32, 32)
    outputs = []
    for seed in (0, 0, 1):
        module.dropout_generator.manual_seed(seed)
        outputs.append(module(images))
    assert outputs[0].equal(outputs[1])
    assert not outputs[0].equal(outputs[2])


def test_default_placement_of_normalization_does_not_change_the_key() -> None:
    config = compose(["normalization=batch"]).resolved()
    default = config["normalization"].pop("placement")
    keys = [
        key_of(config | {"normalization": config["normalization"] | placed}, "data", {})
        for placed in ({}, {"placement": default}, {"placement": "after"})
    ]
    assert keys[0] == keys[1] != keys[2]
