"""The contract of every dropout, and the law of the ordinary one."""

import pytest
import torch
from contract import build

SHAPES = [(64, 512), (64, 512, 4), (64, 512, 4, 4)]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("shape", SHAPES)
def test_eval_is_identity(dropout: str, shape: tuple[int, ...]) -> None:
    x = torch.randn(shape)
    assert build("dropout", dropout, generator=seeded(0)).eval()(x).equal(x)


@pytest.mark.parametrize("shape", SHAPES)
def test_mean_is_kept(dropout: str, shape: tuple[int, ...]) -> None:
    out = build("dropout", dropout, generator=seeded(0))(torch.ones(shape))
    assert out.shape == shape
    assert abs(out.mean().item() - 1) < 0.05


def test_global_generator_is_untouched(dropout: str) -> None:
    before = torch.get_rng_state()
    build("dropout", dropout, generator=seeded(0))(torch.ones(64, 512))
    assert torch.get_rng_state().equal(before)


def test_global_generator_has_no_say(dropout: str) -> None:
    outs = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        outs.append(build("dropout", dropout, generator=seeded(0))(torch.ones(64, 512)))
    assert outs[0].equal(outs[1])


def test_one_generator_can_serve_every_place(dropout: str) -> None:
    generator = seeded(0)
    first = build("dropout", dropout, generator=generator)
    second = build("dropout", dropout, generator=generator)
    x = torch.ones(64, 512)
    outs = [first(x), second(x)]
    generator.manual_seed(0)
    assert outs[0].equal(first(x))
    assert outs[1].equal(second(x))


def test_gradient_is_finite(dropout: str) -> None:
    x = torch.randn(8, 6, requires_grad=True)
    build("dropout", dropout, generator=seeded(0))(x).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_bfloat16_keeps_its_dtype(dropout: str) -> None:
    x = torch.ones(8, 6, dtype=torch.bfloat16)
    assert build("dropout", dropout, generator=seeded(0))(x).dtype == torch.bfloat16


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_zeroes_the_stated_share_and_rescales(p: float) -> None:
    count = 100_000
    out = build("dropout", "dropout", generator=seeded(0), p=p)(
        torch.ones(count, dtype=torch.float64)
    )
    share = (out == 0).double().mean().item()
    assert abs(share - p) < 5 * (p * (1 - p) / count) ** 0.5
    assert torch.allclose(out[out != 0], torch.tensor(1 / (1 - p), dtype=torch.float64))


def test_dropout_gradient_is_its_mask() -> None:
    x = torch.ones(8, 64, requires_grad=True)
    out = build("dropout", "dropout", generator=seeded(0))(x)
    out.sum().backward()
    assert x.grad is not None
    assert x.grad.equal(out)


def test_dropout_seeds_differ() -> None:
    outs = [build("dropout", "dropout", generator=seeded(s))(torch.ones(512)) for s in (0, 1)]
    assert not outs[0].equal(outs[1])


def test_dropout_mask_is_the_same_in_any_precision() -> None:
    outs = [
        build("dropout", "dropout", generator=seeded(0))(torch.ones(512, dtype=dtype))
        for dtype in (torch.float32, torch.bfloat16, torch.float64)
    ]
    assert all((out == 0).equal(outs[0] == 0) for out in outs)


def test_dropout_of_zero_draws_nothing() -> None:
    generator = seeded(0)
    before = generator.get_state()
    build("dropout", "dropout", generator=generator, p=0.0)(torch.ones(8))
    assert generator.get_state().equal(before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_dropout_draws_on_the_generators_own_device() -> None:
    x = torch.ones(64, 64)
    on_cpu = build("dropout", "dropout", generator=seeded(0))(x)
    moved = build("dropout", "dropout", generator=seeded(0))(x.cuda())
    assert moved.is_cuda
    assert moved.cpu().equal(on_cpu)


@pytest.mark.parametrize("p", [-0.1, 1.0, float("nan")])
def test_dropout_refuses_what_is_no_probability(p: float) -> None:
    with pytest.raises(ValueError, match=r"p must be in \[0, 1\), got"):
        build("dropout", "dropout", generator=seeded(0), p=p)
