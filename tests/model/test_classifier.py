"""The LightningModule under a plain Lightning Trainer, as in a notebook."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from sklearn.metrics import accuracy_score
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import TensorDataset

from ablab.components.optimizer.schedule_free import ScheduleFree
from ablab.components.regularizer.l2 import L2
from ablab.components.regularizer.max_norm import MaxNorm
from ablab.config.compose import compose
from ablab.model import build
from ablab.model.classifier import Classifier
from ablab.model.epoch_metrics import DivergedError

K = 5


class Linear(nn.Module):
    """A linear layer on flattened images."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(12, K)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.layer(x.flatten(1))
        return logits


class Auxiliary(Linear):
    """Has an auxiliary head in training."""

    auxiliary_weight = 0.3

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(12, K)

    def forward(self, x: Tensor) -> Any:
        logits = super().forward(x)
        return (logits, self.head(x.flatten(1))) if self.training else logits


class Dropped(Linear):
    """Drops inputs with an explicit generator."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, x: Tensor) -> Tensor:
        kept = torch.rand(x.shape, generator=self.generator) < 0.5
        return super().forward(x * kept if self.training else x)


class Curve(pl.Callback):
    """Records the logged metrics, and the learning rate at each step."""

    def __init__(self) -> None:
        self.epochs: list[dict[str, float]] = []
        self.lrs: list[float] = []

    def on_train_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        self.lrs.append(trainer.optimizers[0].param_groups[0]["lr"])

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.epochs.append({k: float(v) for k, v in trainer.callback_metrics.items()})


@pytest.fixture
def images() -> TensorDataset:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(53, 3, 2, 2, generator=generator)
    return TensorDataset(x, torch.randint(0, K, (53,), generator=generator))


@pytest.fixture
def network() -> Linear:
    torch.manual_seed(0)
    return Linear()


def _sgd(named_params: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD([p for _, p in named_params], lr=0.1)


def _constant(optimizer: torch.optim.Optimizer, total_steps: int) -> Any:
    return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)


def classifier(network: nn.Module, **parts: Any) -> Classifier:
    plain = {"loss": F.cross_entropy, "optimizer": _sgd, "scheduler": _constant}
    return Classifier(network, **{**plain, **parts}, num_classes=K)


def trainer(*callbacks: pl.Callback, epochs: int = 1, **options: Any) -> pl.Trainer:
    return pl.Trainer(
        **options,
        accelerator="cpu",
        max_epochs=epochs,
        callbacks=list(callbacks),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


class Loader:
    """Loads batches in order."""

    def __init__(self, x: Tensor, y: Tensor, batch: int) -> None:
        self.batches = list(zip(x.split(batch), y.split(batch), strict=True))

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return iter(self.batches)


def loader(images: TensorDataset, batch: int = 10) -> Loader:
    return Loader(*images.tensors, batch)


def test_mean_loss_and_accuracy_are_over_images(images: TensorDataset, network: Linear) -> None:
    (result,) = trainer().test(classifier(network), loader(images), verbose=False)
    x, y = images.tensors
    logits = network(x)
    assert result["test/loss"] == pytest.approx(F.cross_entropy(logits, y).item(), rel=1e-6)
    assert result["test/accuracy"] == pytest.approx(accuracy_score(y, logits.argmax(1)))


def test_predictions_of_the_test_are_kept_in_order(images: TensorDataset, network: Linear) -> None:
    module = classifier(network)
    trainer().test(module, loader(images), verbose=False)
    x, y = images.tensors
    assert module.predicted.equal(network(x).argmax(1))
    assert module.target.equal(y)


def test_a_plain_trainer_equals_a_plain_loop(images: TensorDataset, network: Linear) -> None:
    copied = Linear()
    copied.load_state_dict(network.state_dict())
    optimizer = _sgd(copied.named_parameters())
    losses, right = [], 0
    for x, y in loader(images):
        logits = copied(x)
        loss = F.cross_entropy(logits, y)
        losses.append(loss.item() * len(y))
        right += int((logits.argmax(1) == y).sum())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    curve = Curve()
    trainer(curve).fit(classifier(network), loader(images), loader(images))
    assert all(p.equal(q) for p, q in zip(network.parameters(), copied.parameters(), strict=True))
    (epoch,) = curve.epochs
    assert epoch["train/loss"] == pytest.approx(sum(losses) / 53, rel=1e-6)
    assert epoch["train/accuracy"] == pytest.approx(right / 53)
    assert epoch["lr"] == pytest.approx(0.1)
    x, y = images.tensors
    assert epoch["val/loss"] == pytest.approx(F.cross_entropy(copied(x), y).item(), rel=1e-6)
    assert epoch["val/accuracy"] == pytest.approx(accuracy_score(y, copied(x).argmax(1)))


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_gradients_of_a_fused_optimizer_are_clipped(
    images: TensorDataset, network: Linear, precision: str
) -> None:
    def fused(named_params: Any) -> torch.optim.Optimizer:
        return torch.optim.SGD([p for _, p in named_params], lr=1.0, fused=True)

    before = [p.detach().clone() for p in network.parameters()]
    one_step = {"limit_train_batches": 1, "gradient_clip_val": 0.01, "precision": precision}
    module = classifier(network, optimizer=fused)
    trainer(**one_step).fit(module, loader(images), loader(images))
    moved = [p - q for p, q in zip(network.parameters(), before, strict=True)]
    length = torch.cat([m.flatten() for m in moved]).norm().item()
    assert length == pytest.approx(0.01, rel=1e-3)


def test_soft_targets_are_learned(images: TensorDataset, network: Linear) -> None:
    x, y = images.tensors
    soft = 0.9 * F.one_hot(y, K) + 0.02
    (result,) = trainer().test(classifier(network), Loader(x, soft, 53), verbose=False)
    assert result["test/loss"] == pytest.approx(F.cross_entropy(network(x), soft).item(), rel=1e-6)
    assert result["test/accuracy"] == pytest.approx(accuracy_score(y, network(x).argmax(1)))
    curve = Curve()
    trainer(curve, epochs=20).fit(classifier(network), Loader(x, soft, 53), Loader(x, soft, 53))
    assert curve.epochs[0]["val/loss"] < result["test/loss"]


def test_scheduler_is_stepped_at_each_step(images: TensorDataset, network: Linear) -> None:
    totals = []

    def scheduler(optimizer: torch.optim.Optimizer, total_steps: int) -> Any:
        totals.append(total_steps)
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / total_steps)

    curve = Curve()
    trainer(curve, epochs=2).fit(
        classifier(network, scheduler=scheduler), loader(images), loader(images)
    )
    assert totals == [12]
    assert curve.lrs == pytest.approx([0.1 * (1 - step / 12) for step in range(12)])
    assert curve.epochs[0]["lr"] == pytest.approx(0.1 * (1 - 6 / 12))


def test_plateau_is_stepped_once_per_epoch(images: TensorDataset, network: Linear) -> None:
    def scheduler(optimizer: torch.optim.Optimizer, total_steps: int) -> Any:
        return ReduceLROnPlateau(optimizer, factor=0.5, patience=0, threshold=0.999, mode="min")

    curve = Curve()
    trainer(curve, epochs=3).fit(
        classifier(network, scheduler=scheduler), loader(images), loader(images)
    )
    assert curve.lrs == pytest.approx([0.1] * 12 + [0.05] * 6)


def test_plateau_is_stepped_before_the_checkpoint(images: TensorDataset, network: Linear) -> None:
    states = []

    class Recorder(pl.callbacks.Checkpoint):
        def on_train_epoch_end(self, trainer: pl.Trainer, _: pl.LightningModule) -> None:
            scheduler = trainer.lr_scheduler_configs[0].scheduler
            states.append((scheduler.last_epoch, scheduler.best))
            losses.append(float(trainer.callback_metrics["val/loss"]))

    losses: list[float] = []
    module = classifier(network, scheduler=lambda optimizer, **_: ReduceLROnPlateau(optimizer))
    plain = trainer(epochs=3)
    plain.callbacks.append(Recorder())
    plain.fit(module, loader(images), loader(images))
    assert states == [(epoch + 1, min(losses[: epoch + 1])) for epoch in range(3)]


def test_plateau_is_not_stepped_without_validation(images: TensorDataset, network: Linear) -> None:
    curve = Curve()
    module = classifier(network, scheduler=lambda optimizer, **_: ReduceLROnPlateau(optimizer))
    trainer(curve, epochs=2, limit_val_batches=0).fit(module, loader(images), loader(images))
    assert curve.lrs == [0.1] * 12


def test_auxiliary_logits_enter_the_cost_but_no_metric(images: TensorDataset) -> None:
    torch.manual_seed(0)
    network, copied = Auxiliary(), Auxiliary()
    copied.load_state_dict(network.state_dict())
    x, y = images.tensors
    main, auxiliary = copied(x)
    loss = F.cross_entropy(main, y)
    (loss + 0.3 * F.cross_entropy(auxiliary, y)).backward()
    _sgd(copied.named_parameters()).step()
    curve = Curve()
    whole = Loader(x, y, 53)
    trainer(curve).fit(classifier(network), whole, whole)
    for actual, expected in zip(network.parameters(), copied.parameters(), strict=True):
        assert torch.allclose(actual, expected, atol=1e-7)
    assert curve.epochs[0]["train/loss"] == pytest.approx(loss.item(), rel=1e-6)
    assert curve.epochs[0]["val/loss"] == pytest.approx(
        F.cross_entropy(copied.eval()(x), y).item(), rel=1e-6
    )


@pytest.mark.parametrize("batch", [10, 53])
def test_penalty_does_not_depend_on_the_batch_size(
    images: TensorDataset, network: Linear, batch: int
) -> None:
    copied = Linear()
    copied.load_state_dict(network.state_dict())
    optimizer = _sgd(copied.named_parameters())
    penalties = []
    for x, y in loader(images, batch):
        penalties.append(0.25 * copied.layer.weight.square().sum())
        optimizer.zero_grad()
        (F.cross_entropy(copied(x), y) + penalties[-1]).backward()
        optimizer.step()
    curve = Curve()
    module = classifier(network, regularizer=lambda named_params: L2(named_params, 0.5))
    trainer(curve).fit(module, loader(images, batch), loader(images))
    for actual, expected in zip(network.parameters(), copied.parameters(), strict=True):
        assert torch.allclose(actual, expected, atol=1e-6)
    mean = torch.stack(penalties).mean().item()
    assert curve.epochs[0]["train/penalty"] == pytest.approx(mean, rel=1e-5)
    x, y = images.tensors
    assert curve.epochs[0]["val/loss"] == pytest.approx(
        F.cross_entropy(copied(x), y).item(), rel=1e-5
    )


def test_no_penalty_is_logged_without_a_regularizer(images: TensorDataset, network: Linear) -> None:
    curve = Curve()
    trainer(curve).fit(classifier(network), loader(images), loader(images))
    assert "train/penalty" not in curve.epochs[0]


def test_an_infinite_penalty_is_divergence(images: TensorDataset, network: Linear) -> None:
    module = classifier(network, regularizer=lambda named_params: L2(named_params, 3e38))
    with pytest.raises(DivergedError):
        trainer().fit(module, loader(images), loader(images))


def test_weights_are_projected_after_each_step(images: TensorDataset, network: Linear) -> None:
    norms = []

    class Norms(pl.Callback):
        def on_train_batch_end(self, *_: Any) -> None:
            norms.append(network.layer.weight.norm(dim=1).max().item())

    module = classifier(network, regularizer=lambda named_params: MaxNorm(named_params, 0.2))
    trainer(Norms()).fit(module, loader(images), loader(images))
    assert len(norms) == 6
    assert max(norms) <= 0.2 * (1 + 1e-6)


def test_lbfgs_takes_one_step_per_batch_and_its_metrics_count_once(
    images: TensorDataset, network: Linear
) -> None:
    x, y = images.tensors
    first = F.cross_entropy(network(x), y).item()
    evaluations = []

    def loss(logits: Tensor, target: Tensor) -> Tensor:
        evaluations.append(1)
        return F.cross_entropy(logits, target)

    curve, whole = Curve(), Loader(x, y, 53)
    module = classifier(network, loss=loss, optimizer=_lbfgs)
    plain = trainer(curve, limit_val_batches=0)
    plain.fit(module, whole, whole)
    assert len(evaluations) > 5
    assert plain.global_step == 1
    assert curve.epochs[0]["train/loss"] == pytest.approx(first, rel=1e-6)
    torch.manual_seed(0)
    copied = Linear()
    optimizer = _lbfgs(copied.named_parameters())

    def closure() -> Tensor:
        optimizer.zero_grad()
        cost = F.cross_entropy(copied(x), y)
        cost.backward()
        return cost

    optimizer.step(closure)
    assert network.layer.weight.equal(copied.layer.weight)


def _lbfgs(named_params: Any) -> torch.optim.Optimizer:
    return torch.optim.LBFGS([p for _, p in named_params], line_search_fn="strong_wolfe")


def test_evaluations_in_one_step_have_the_same_dropout_mask(images: TensorDataset) -> None:
    generator = torch.Generator()
    network = Dropped(generator)
    masks = []
    network.layer.register_forward_pre_hook(lambda _, inputs: masks.append(inputs[0] != 0))
    module = classifier(network, optimizer=_lbfgs, dropout_generator=generator)
    two = trainer(limit_train_batches=2, limit_val_batches=0)
    two.fit(module, loader(images), loader(images))
    changes = sum(not a.equal(b) for a, b in itertools.pairwise(masks))
    assert len(masks) > 10
    assert changes == 1


def test_schedule_free_is_evaluated_at_its_average_and_continues(
    images: TensorDataset, network: Linear
) -> None:
    torch.manual_seed(0)
    copied = Linear()
    options: dict[str, Any] = {"lr": 0.1, "betas": (0.9, 0.999), "eps": 1e-8}
    options |= {"weight_decay": 0.0, "warmup_steps": 0}
    optimizer = ScheduleFree(copied.named_parameters(), **options)
    losses = []
    for _ in range(2):
        optimizer.train()
        for x, y in loader(images):
            optimizer.zero_grad()
            F.cross_entropy(copied(x), y).backward()
            optimizer.step()
        optimizer.eval()
        losses.append(F.cross_entropy(copied(images.tensors[0]), images.tensors[1]).item())
    curve = Curve()
    module = classifier(
        network, optimizer=lambda named_params: ScheduleFree(named_params, **options)
    )
    trainer(curve, epochs=2).fit(module, loader(images), loader(images))
    assert network.layer.weight.equal(copied.layer.weight)
    assert curve.epochs[0]["val/loss"] == pytest.approx(losses[-1], rel=1e-6)


def test_schedule_free_ends_at_its_average_without_validation(
    images: TensorDataset, network: Linear
) -> None:
    options: dict[str, Any] = {"lr": 0.1, "betas": (0.9, 0.999), "eps": 1e-8}
    options |= {"weight_decay": 0.0, "warmup_steps": 0}
    module = classifier(
        network, optimizer=lambda named_params: ScheduleFree(named_params, **options)
    )
    plain = trainer(limit_val_batches=0)
    plain.fit(module, loader(images), loader(images))
    assert plain.optimizers[0].param_groups[0]["is_training"] is False


def test_a_loss_that_is_not_finite_raises_at_the_end_of_the_epoch(
    images: TensorDataset, network: Linear
) -> None:
    def loss(logits: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(logits, target) * (float("inf") if len(target) == 3 else 1.0)

    with pytest.raises(DivergedError) as caught:
        trainer().fit(classifier(network, loss=loss), loader(images), loader(images))
    assert (caught.value.epoch, caught.value.step) == (0, 5)


def test_a_loss_that_is_not_finite_raises_within_32_steps(
    images: TensorDataset, network: Linear
) -> None:
    def loss(logits: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(logits, target) * float("nan")

    with pytest.raises(DivergedError) as caught:
        trainer().fit(classifier(network, loss=loss), loader(images, batch=1), loader(images))
    assert caught.value.step == 31


def test_variants_of_one_seed_have_equal_batches_and_initial_weights() -> None:
    batches, weights = [], []
    for activation in ("relu", "elu"):
        config = compose([f"activation={activation}", "augmentation=crop_flip"]).resolved()
        data = build.datamodule(config)
        loader = data.train_dataloader()
        loader.sampler.set_epoch(3)
        batches.append(list(loader))
        weights.append(build.classifier(config, data).network.state_dict())
    assert all(
        a.equal(b) for one, two in zip(*batches, strict=True) for a, b in zip(one, two, strict=True)
    )
    first, second = weights
    assert first.keys() == second.keys()
    assert all(value.equal(second[name]) for name, value in first.items())


def test_another_seed_has_other_initial_weights() -> None:
    states = []
    for seed in (0, 1):
        config = compose([f"seed={seed}"]).resolved()
        before = torch.get_rng_state()
        states.append(build.classifier(config, build.datamodule(config)).network.state_dict())
        assert torch.get_rng_state().equal(before)
    assert not any(states[0][n].equal(states[1][n]) for n in states[0])


def test_any_composed_classifier_trains_under_a_plain_trainer() -> None:
    config = compose(["architecture=mlp", "architecture.widths=[8]", "loss=mse"]).resolved()
    data = build.datamodule(config)
    curve = Curve()
    plain = trainer(curve, epochs=2)
    plain.fit(module := build.classifier(config, data), data)
    (result,) = plain.test(module, data, verbose=False)
    assert curve.epochs[0]["val/accuracy"] > 0.2
    assert result["test/accuracy"] == pytest.approx(accuracy_score(module.target, module.predicted))
