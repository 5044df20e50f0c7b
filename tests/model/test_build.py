"""What building a trial adds to its components: the batch of an initializer, a dropout's place."""

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


def spread_of_first_outputs(*overrides: str) -> float:
    """Return how the first convolution's outputs spread over the trial's first training batch."""
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
    spread = spread_of_first_outputs(f"augmentation={augmentation}", "batch_size=32", "seed=3")
    assert spread == pytest.approx(1, rel=1e-5)


def test_augmentation_goes_on_after_an_initializer_has_looked() -> None:
    config = compose(["initializer=lsuv", "augmentation=crop_flip"]).resolved()
    data = build.datamodule(config)
    augmentation = data.augmentation
    build.classifier(config, data)
    assert augmentation is not None
    assert data.augmentation is augmentation


def test_trial_of_a_measuring_initializer_is_rehearsed_without_values() -> None:
    resolve(compose(["initializer=lsuv"]))
    assert faults("initializer=lsuv", "initializer.std=-1") == (
        "initializer.std must be > 0, got -1",
    )


def test_stochastic_depth_is_refused_where_nothing_is_residual() -> None:
    (fault,) = faults("architecture=lenet5", "dropout=stochastic_depth")
    assert fault.startswith("dropout._target_ must be one that the architecture has branches for")


def test_spatial_dropout_is_refused_where_there_are_no_maps() -> None:
    (fault,) = faults("architecture=mlp", "dropout=spatial")
    assert fault.startswith("dropout._target_ must be one that the architecture has maps for")


def test_stochastic_depth_serves_residual_networks() -> None:
    overrides = ["architecture=resnet20", "dropout=stochastic_depth"]
    assert "dropout" in used_axes(resolve(compose(overrides)).config)


def test_stochastic_pooling_draws_from_the_generator_of_the_trial() -> None:
    config = compose(["pooling=stochastic"]).resolved()
    module = build.classifier(config, build.datamodule(config)).train()
    images = torch.rand(4, 1, 32, 32)
    outs = []
    for seed in (0, 0, 1):
        module.dropout_generator.manual_seed(seed)
        outs.append(module(images))
    assert outs[0].equal(outs[1])
    assert not outs[0].equal(outs[2])


def test_normalization_before_the_activation_keeps_the_key_of_one_without_a_choice() -> None:
    config = compose(["normalization=batch"]).resolved()
    choice = config["normalization"].pop("placement")
    keys = [
        key_of(config | {"normalization": config["normalization"] | placed}, "data", {})
        for placed in ({}, {"placement": choice}, {"placement": "after"})
    ]
    assert keys[0] == keys[1] != keys[2]
