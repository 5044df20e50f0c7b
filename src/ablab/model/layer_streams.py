"""Initial weights from one random stream per layer, independent of the network's other layers.

Two networks of one seed that differ in one component then start from the same weights in all layers
that they share: a bias that a normalization makes redundant, or a pooling with weights of its own,
does not shift the draws of other layers.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import TorchDispatchMode

from ablab import streams

_ARCHITECTURE = "architecture"


class LayerStreams(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Draws each parameter from its own stream while a network is built in the block.

    The stream of a parameter is identified by its layer, its name in the layer, and how often it
    was drawn before. A layer is identified by what built it, the architecture or one of its parts
    (see `part`), by the shape of its first parameter without its inputs (the second dimension,
    which may depend on the image size that a pooling leaves), and by the number of such layers
    built before. Draws outside of parameters, such as the ``torch.randn`` of
    ``nn.Parameter(torch.randn(3))`` or the vectors of a spectral norm, are identified by the
    operation, its shape, and the number of such draws before.

    Qualified names are not used: they are unknown when the weights are drawn, and indices in an
    ``nn.Sequential`` shift with each layer that only one network has.

    Torch's own initialization, initializers and a user's code all draw from these streams. Draws
    from an explicit generator, and those of Python and NumPy, are not affected.

    Args:
        seed: the trial's seed.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._seed, self._part = seed, _ARCHITECTURE
        self._count: Counter[Any] = Counter()
        self._parameters: list[tuple[nn.Parameter, tuple[Any, ...]]] = []
        # By id, since a module may be unhashable; the module is kept, so that its id is not reused.
        self._layers: dict[int, tuple[nn.Module, tuple[Any, ...]]] = {}

    def __enter__(self) -> "LayerStreams":
        self._hook = register_module_parameter_registration_hook(self._register)
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        self._hook.remove()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Seed the generator before an operation that draws from it."""
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded in func.tags and kwargs.get("generator") is None:
            first = args[0] if args else None
            device = first.device if isinstance(first, Tensor) else kwargs.get("device")
            device = torch.device(device or "cpu")
            if device.type != "meta":  # the meta device has no values to draw
                key = self._key(func, first)
                seed = streams.derive(self._seed, "init", *key, self._next(key))
                streams.seed_torch(seed, device)
        return func(*args, **kwargs)

    @contextmanager
    def part(self, axis: str) -> Iterator[None]:
        """Attribute the layers that are built in the block to a component of this axis."""
        before, self._part = self._part, axis
        try:
            yield
        finally:
            self._part = before

    def _register(self, module: nn.Module, name: str, parameter: nn.Parameter) -> None:
        if id(module) not in self._layers:
            kind = self._part, "lazy" if is_lazy(parameter) else _outputs(parameter.shape)
            self._layers[id(module)] = module, (*kind, self._next(kind))
        self._parameters.append((parameter, (*self._layers[id(module)][1], name)))

    def _key(self, func: Any, first: object) -> tuple[Any, ...]:
        """Return the key of the parameter that owns the tensor's storage, else of the operation."""
        if not isinstance(first, Tensor):
            return self._part, str(func), str(first)
        storage = first.untyped_storage()._cdata
        owners = (
            key
            for parameter, key in reversed(self._parameters)  # usually the one registered last
            if not is_lazy(parameter) and parameter.untyped_storage()._cdata == storage
        )
        return next(owners, (self._part, str(func), _text(first.shape)))

    def _next(self, key: tuple[Any, ...]) -> int:
        """Return how often this key occurred before."""
        self._count[key] += 1
        return self._count[key] - 1


def _outputs(shape: torch.Size) -> str:
    """Return the shape of a layer's first parameter without its input dimension."""
    return "x".join(map(str, (len(shape), *shape[:1], *shape[2:])))


def _text(shape: torch.Size) -> str:
    return "x".join(map(str, shape))
