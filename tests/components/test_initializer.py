"""The contract of every initializer, and the distribution of each."""

import pytest
import torch
from contract import build, names
from torch import Tensor, nn

from ablab.streams import fork_rng

CONV_FANS = 32 * 9, 64 * 9
LINEAR_FANS = 300, 500


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(32, 64, 3), nn.BatchNorm2d(64), nn.Linear(300, 500))


def initialized(name: str, seed: int = 0, **options: object) -> nn.Sequential:
    with fork_rng(seed, "init"):
        module = network()
        initialize(name, module, **options)
    return module


def initialize(
    name: str, module: nn.Module, batch: Tensor | None = None, **options: object
) -> None:
    """Initialize a module as a trial does, with a batch that suits `network` if none is given."""
    batch = torch.randn(2, 32, 5, 302) if batch is None else batch
    build("initializer", name, module=module, batch=batch, **options)


def test_weights_are_finite_and_differ(initializer: str) -> None:
    module = initialized(initializer)
    assert all(parameter.isfinite().all() for parameter in module.parameters())
    assert all(module[layer].weight.unique().numel() > 1000 for layer in (0, 2))


def test_weights_are_a_function_of_the_seed_alone(initializer: str) -> None:
    first, again, other = (initialized(initializer, seed) for seed in (0, 0, 1))
    assert first[0].weight.equal(again[0].weight)
    assert not first[0].weight.equal(other[0].weight)


def test_normalization_keeps_its_initial_values(initializer: str) -> None:
    norm = initialized(initializer)[1]
    assert norm.weight.equal(torch.ones(64))
    assert norm.bias.equal(torch.zeros(64))


def test_layout_of_the_weights_is_kept(initializer: str) -> None:
    module = nn.Sequential(nn.Conv2d(32, 64, 3))
    nn.utils.convert_conv2d_weight_memory_format(module, torch.channels_last)
    initialize(initializer, module)
    assert module[0].weight.is_contiguous(memory_format=torch.channels_last)


def test_layers_without_bias_work(initializer: str) -> None:
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3, bias=False), nn.Flatten(), nn.Linear(16, 2, bias=False)
    )
    initialize(initializer, module, torch.randn(8, 3, 4, 4))
    assert all(parameter.isfinite().all() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("name", "options", "variance"),
    [
        ("default", {}, lambda fan_in, fan_out: 1 / (3 * fan_in)),
        ("kaiming", {}, lambda fan_in, fan_out: 2 / fan_in),
        ("kaiming", {"mode": "fan_out"}, lambda fan_in, fan_out: 2 / fan_out),
        ("normal", {"std": 0.3}, lambda fan_in, fan_out: 0.09),
        ("truncated_normal", {}, lambda fan_in, fan_out: 0.02**2),
        # SciPy's truncnorm(-2, 2).var()
        ("truncated_normal", {"limit": 0.04}, lambda fan_in, fan_out: 0.7737413 * 0.02**2),
        ("lecun_normal", {}, lambda fan_in, fan_out: 1 / fan_in),
        ("xavier", {}, lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
        ("xavier", {"gain": 3.0}, lambda fan_in, fan_out: 18 / (fan_in + fan_out)),
    ],
)
def test_variance_is_as_stated(name: str, options: dict, variance) -> None:
    module = initialized(name, **options)
    for layer, fans in ((module[0], CONV_FANS), (module[2], LINEAR_FANS)):
        # the variance of 18,432 or more normal draws has a relative sd of about 1 %
        assert layer.weight.var().item() == pytest.approx(variance(*fans), rel=0.05)
        assert abs(layer.weight.mean().item()) < 5 * (variance(*fans) / 18_432) ** 0.5


@pytest.mark.parametrize("name", [name for name in names("initializer") if name != "default"])
def test_biases_are_zero(name: str) -> None:
    module = initialized(name)
    assert not module[0].bias.any()
    assert not module[2].bias.any()


def test_kaiming_refuses_an_unknown_mode() -> None:
    with pytest.raises(ValueError, match="mode must be one of fan_in, fan_out, got fan"):
        initialized("kaiming", mode="fan")


def test_xavier_refuses_a_gain_of_zero() -> None:
    with pytest.raises(ValueError, match="gain must be > 0, got 0"):
        initialized("xavier", gain=0)


def test_no_weight_exceeds_the_limit() -> None:
    module = initialized("truncated_normal", limit=0.03)
    assert all(module[layer].weight.abs().max() <= 0.03 for layer in (0, 2))


@pytest.mark.parametrize(
    ("name", "option"),
    [
        *(("normal", "std"), ("orthogonal", "gain"), ("lsuv", "std")),
        *(("truncated_normal", "std"), ("truncated_normal", "limit")),
    ],
)
def test_scale_of_zero_is_refused(name: str, option: str) -> None:
    with pytest.raises(ValueError, match=f"{option} must be > 0, got 0"):
        initialized(name, **{option: 0})


@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_orthogonal_weights_are_orthogonal(gain: float) -> None:
    module = initialized("orthogonal", gain=gain)
    for layer in (module[0], module[2]):
        matrix = layer.weight.detach().flatten(1).double()
        rows, columns = matrix.shape
        gram = matrix @ matrix.T if rows <= columns else matrix.T @ matrix
        assert torch.allclose(gram, gain**2 * torch.eye(len(gram)).double(), atol=1e-5)


@pytest.mark.parametrize(("layer", "gates"), [(nn.RNN, 1), (nn.GRU, 3), (nn.LSTM, 4)])
def test_gates_of_a_recurrent_layer_are_initialized_separately(
    layer: type[nn.RNNBase], gates: int
) -> None:
    module = layer(5, 8, num_layers=2, bidirectional=True)
    initialize("orthogonal", module)
    for name, parameter in module.named_parameters():
        if name.startswith("bias"):
            assert not parameter.any()
            continue
        for matrix in parameter.detach().view(gates, 8, -1):
            gram = matrix @ matrix.T if matrix.shape[1] >= 8 else matrix.T @ matrix
            assert torch.allclose(gram, torch.eye(len(gram)), atol=1e-5)


class Branched(nn.Module):
    """A network that runs its layers in another order, one of them twice, one never."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(16, 10)
        self.unused = nn.Linear(16, 10)
        self.shared = nn.Conv2d(4, 4, 3, padding=1)
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.tail = nn.Sequential(nn.Dropout(0.5), nn.Flatten())

    def forward(self, x: Tensor) -> Tensor:
        x = self.shared(self.shared(self.stem(x)).relu())
        return self.head(self.tail(nn.functional.adaptive_avg_pool2d(x, 2)))


def outputs(module: nn.Module, batch: Tensor) -> dict[nn.Module, Tensor]:
    """Return the output of each layer at its first run in evaluation."""
    found: dict[nn.Module, Tensor] = {}

    def keep(layer: nn.Module, _: object, output: Tensor) -> None:
        found.setdefault(layer, output.detach())

    layers = [m for m in module.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(keep) for layer in layers]
    module.eval()(batch)
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize("std", [1.0, 0.5])
def test_lsuv_gives_every_output_the_same_std(std: float) -> None:
    module, batch = Branched(), torch.randn(64, 3, 8, 8) * 5 + 1
    initialize("lsuv", module, batch, std=std)
    spreads = [out.std(correction=0).item() for out in outputs(module, batch).values()]
    assert spreads == pytest.approx([std] * 3, rel=1e-4)


def test_lsuv_only_scales_orthogonal_weights() -> None:
    module, batch = Branched(), torch.randn(64, 3, 8, 8)
    initialize("lsuv", module, batch)
    matrix = module.head.weight.detach()
    gram = matrix @ matrix.T
    assert torch.allclose(gram, gram[0, 0] * torch.eye(10), atol=1e-5)
    unused = module.unused.weight.detach()
    assert torch.allclose(unused @ unused.T, torch.eye(10), atol=1e-5)


def test_lsuv_changes_only_weights() -> None:
    module, batch = Branched(), torch.randn(64, 3, 8, 8)
    initialize("lsuv", module, batch)
    assert all(m.training and not m._forward_hooks for m in module.modules())
    norm = module.stem[1]
    assert norm.running_mean.equal(torch.zeros(4))
    assert norm.num_batches_tracked == 0
    assert all(p.grad is None and p.requires_grad for p in module.parameters())


def test_lsuv_of_a_blank_batch_stays_orthogonal() -> None:
    module = Branched()
    initialize("lsuv", module, torch.zeros(4, 3, 8, 8))
    assert all(parameter.isfinite().all() for parameter in module.parameters())
    weight = module.stem[0].weight.detach().flatten(1)
    assert torch.allclose(weight @ weight.T, torch.eye(4), atol=1e-5)


class Apart(nn.Module):
    """Two linear layers in one weight, returned as ``kernels``."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, 300, 200))
        self.bias = nn.Parameter(torch.randn(2, 1, 200))

    def kernels(self) -> list[Tensor]:
        return [kernel.T for kernel in self.weight]

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, x.expand(2, -1, -1), self.weight)


def test_kernels_of_a_layer_are_initialized_separately() -> None:
    module = nn.Sequential(Apart())
    initialize("xavier", module, torch.randn(64, 300))
    for kernel in module[0].kernels():
        assert kernel.var().item() == pytest.approx(2 / 500, rel=0.05)
    assert not module[0].bias.any()
    initialize("orthogonal", module)
    for kernel in module[0].kernels():
        assert torch.allclose(kernel @ kernel.T, torch.eye(200), atol=1e-5)


def test_lsuv_scales_a_layer_of_kernels() -> None:
    module, batch = nn.Sequential(Apart()), torch.randn(64, 300) * 3
    initialize("lsuv", module, batch)
    assert module(batch).std(correction=0).item() == pytest.approx(1, rel=1e-5)
