"""Initial weights that depend on nothing else that a network has: a random stream for each layer.

Two networks of one seed that differ in a part then start from the same weights wherever they have
the same layers: a bias that a normalization makes needless, or a pooling that has weights of its
own, shifts no draw of another layer.
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

OWN = "architecture"


class LayerStreams(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Draws each parameter from a stream of its own for the block in which a network is built.

    A layer is known by who built it, the architecture or one of its parts (see `part`), by the
    shape of its first parameter less its inputs (the second dimension, which may follow from what
    a pooling leaves of an image), and by how many such layers were built before it; a parameter
    by its layer, its name there, and how often it was drawn before. What is drawn into no
    parameter, such as the ``torch.randn`` of ``nn.Parameter(torch.randn(3))`` or the vectors of a
    spectral norm, is known by the operation, its shape, and how many such went before.

    Not by its qualified name: that is not known when it draws, and an index in an
    ``nn.Sequential`` shifts with each layer that is there in one network alone.

    It serves torch's own initialisation, initializers, and a user's. Draws from a generator that
    is passed, and those of Python and NumPy, are left alone.

    Args:
        seed: the trial's.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._seed, self._part = seed, OWN
        self._count: Counter[Any] = Counter()
        self._parameters: list[tuple[nn.Parameter, tuple[Any, ...]]] = []
        # By id, since a module need not be hashable; kept, so that no id is given twice.
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
            given = args[0] if args else None
            device = given.device if isinstance(given, Tensor) else kwargs.get("device")
            device = torch.device(device or "cpu")
            if device.type != "meta":  # shapes alone
                key = self._key(func, given)
                seed = streams.derive(self._seed, "init", *key, self._next(key))
                streams.seed_torch(seed, device)
        return func(*args, **kwargs)

    @contextmanager
    def part(self, axis: str) -> Iterator[None]:
        """Count the layers that are built in the block as a part's own."""
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

    def _key(self, func: Any, given: object) -> tuple[Any, ...]:
        """Return what is drawn: the parameter that a tensor is or lies in, or an operation."""
        if not isinstance(given, Tensor):
            return self._part, str(func), str(given)
        storage = given.untyped_storage()._cdata
        owners = (
            key
            for parameter, key in reversed(self._parameters)  # mostly the one registered last
            if not is_lazy(parameter) and parameter.untyped_storage()._cdata == storage
        )
        return next(owners, (self._part, str(func), _text(given.shape)))

    def _next(self, key: tuple[Any, ...]) -> int:
        """Return how many such there were before."""
        self._count[key] += 1
        return self._count[key] - 1


def _outputs(shape: torch.Size) -> str:
    """Return what a layer of such a first parameter gives."""
    return "x".join(map(str, (len(shape), *shape[:1], *shape[2:])))


def _text(shape: torch.Size) -> str:
    return "x".join(map(str, shape))
