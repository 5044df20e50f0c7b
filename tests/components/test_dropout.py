"""The contract of every dropout, the distribution of each, and the sites where they act."""

import pytest
import torch
import yaml
from contract import build, yaml_file
from torch import Tensor, nn

from ablab.components import parts
from ablab.model.builder import Builder

SHAPES = [(4096, 64), (4096, 64, 3), (4096, 64, 2, 2)]


def built(name: str, generator: torch.Generator, **options: object) -> nn.Module:
    """Return a dropout as at the end of a network's last residual branch."""
    module: nn.Module = build("dropout", name, generator=generator, depth=1.0, **options)
    return module


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("shape", SHAPES)
def test_eval_is_identity(dropout: str, shape: tuple[int, ...]) -> None:
    x = torch.randn(shape)
    assert built(dropout, generator=seeded(0)).eval()(x).equal(x)


@pytest.mark.parametrize("shape", SHAPES)
def test_mean_is_kept(dropout: str, shape: tuple[int, ...]) -> None:
    out = built(dropout, generator=seeded(0))(torch.ones(shape))
    assert out.shape == shape
    assert abs(out.mean().item() - 1) < 0.05


def test_global_generator_is_not_used(dropout: str) -> None:
    before = torch.get_rng_state()
    built(dropout, generator=seeded(0))(torch.ones(64, 512))
    assert torch.get_rng_state().equal(before)


def test_global_generator_does_not_matter(dropout: str) -> None:
    outs = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        outs.append(built(dropout, generator=seeded(0))(torch.ones(64, 512)))
    assert outs[0].equal(outs[1])


def test_one_generator_can_be_shared_by_all_sites(dropout: str) -> None:
    generator = seeded(0)
    first = built(dropout, generator=generator)
    second = built(dropout, generator=generator)
    x = torch.ones(64, 512)
    outs = [first(x), second(x)]
    generator.manual_seed(0)
    assert outs[0].equal(first(x))
    assert outs[1].equal(second(x))


def test_gradient_is_finite(dropout: str) -> None:
    x = torch.randn(8, 6, requires_grad=True)
    built(dropout, generator=seeded(0))(x).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_bfloat16_keeps_its_dtype(dropout: str) -> None:
    x = torch.ones(8, 6, dtype=torch.bfloat16)
    assert built(dropout, generator=seeded(0))(x).dtype == torch.bfloat16


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_zeroes_with_probability_p_and_rescales(p: float) -> None:
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
def test_dropout_refuses_p_out_of_range(p: float) -> None:
    with pytest.raises(ValueError, match=r"p must be in \[0, 1\), got"):
        build("dropout", "dropout", generator=seeded(0), p=p)


def zeroed(out: Tensor) -> Tensor:
    """Return the share of zeros along the last axis, 0 or 1 where all are dropped together."""
    return (out == 0).double().mean(-1)


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_spatial_drops_whole_maps_independently(p: float) -> None:
    N, C = 200, 100
    out = built("spatial", seeded(0), p=p)(torch.ones(N, C, 3, 3, dtype=torch.float64))
    share = zeroed(out.flatten(2))
    assert ((share == 0) | (share == 1)).all()
    assert abs(share.mean().item() - p) < 5 * (p * (1 - p) / (N * C)) ** 0.5
    # independent maps: the shares of an image vary as a binomial count does
    assert share.mean(1).var().item() == pytest.approx(p * (1 - p) / C, rel=0.5)
    assert torch.allclose(out[out != 0], torch.tensor(1 / (1 - p), dtype=torch.float64))


def test_spatial_on_units_is_ordinary_dropout() -> None:
    x = torch.randn(64, 32)
    assert built("spatial", seeded(0))(x).equal(built("dropout", seeded(0))(x))


@pytest.mark.parametrize(("depth", "decay", "p"), [(0.5, "linear", 0.2), (0.5, "uniform", 0.4)])
def test_stochastic_depth_drops_whole_images_more_often_in_deep_branches(
    depth: float, decay: str, p: float
) -> None:
    N = 20_000
    module = build(
        "dropout", "stochastic_depth", generator=seeded(0), depth=depth, p=0.4, decay=decay
    )
    out = module(torch.ones(N, 2, 2, dtype=torch.float64))
    share = zeroed(out.flatten(1))
    assert ((share == 0) | (share == 1)).all()
    assert abs(share.mean().item() - p) < 5 * (p * (1 - p) / N) ** 0.5
    assert torch.allclose(out[out != 0], torch.tensor(1 / (1 - p), dtype=torch.float64))


@pytest.mark.parametrize(
    ("option", "value", "rule"),
    [
        ("p", 1.0, r"p must be in \[0, 1\)"),
        ("depth", -0.1, r"depth must be in \[0, 1\]"),
        ("depth", 1.1, r"depth must be in \[0, 1\]"),
        ("decay", "cosine", "decay must be one of linear, uniform"),
    ],
)
def test_stochastic_depth_refuses_values_out_of_range(
    option: str, value: object, rule: str
) -> None:
    with pytest.raises(ValueError, match=f"{rule}, got {value}"):
        build(
            "dropout",
            "stochastic_depth",
            **({"generator": seeded(0), "depth": 1.0} | {option: value}),
        )


KINDS = {"dropout": "units", "none": "units", "spatial": "maps", "stochastic_depth": "branches"}


def builder(name: str) -> Builder:
    node = yaml.safe_load(yaml_file("dropout", name).read_text())
    return Builder("dropout", node, generator=seeded(0))


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
@pytest.mark.parametrize("site", ["units", "maps", "branches"])
def test_dropout_acts_only_at_sites_of_its_kind(name: str, kind: str, site: str) -> None:
    build_one = builder(name)
    module = parts.dropout_at(site, build_one, depth=0.5)
    acts = site == kind
    assert build_one.calls == acts
    assert isinstance(module, nn.Identity) == (name == "none" or not acts)


def test_a_users_plain_builder_acts_on_units() -> None:
    assert isinstance(parts.dropout_at("units", nn.Dropout), nn.Dropout)
    assert isinstance(parts.dropout_at("maps", nn.Dropout), nn.Identity)


def test_branch_passes_its_depth() -> None:
    assert parts.dropout_at("branches", builder("stochastic_depth"), depth=0.25).p == 0.125


def test_stochastic_depth_refuses_a_site_that_is_not_a_branch() -> None:
    with pytest.raises(ValueError, match=r"dropout._target_ must be one that serves without"):
        builder("stochastic_depth")()
