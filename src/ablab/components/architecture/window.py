"""Kernel size, stride, dilation and padding of a convolution."""

from dataclasses import dataclass
from typing import Literal, get_args

Padding = Literal["valid", "same", "full", "reflect", "replicate", "circular"]
Mode = Literal["zeros", "reflect", "replicate", "circular"]
PADDINGS: tuple[Padding, ...] = get_args(Padding)


@dataclass(frozen=True)
class Window:
    """Stores kernel size, stride, dilation and padding of a layer.

    Attributes:
        kernel_size: side of a window, in pixels, >= 1.
        stride: step between windows, in pixels, >= 1.
        dilation: step between the pixels of a window, >= 1.
        padding: ``"valid"``: none; ``"full"``: zeros, so that each window that touches the image
            counts; ``"same"``: zeros that keep the size at stride 1; ``"reflect"``,
            ``"replicate"`` and ``"circular"``: as wide as ``"same"``, with these values.

    Raises:
        ValueError: a value is out of its range.

    Source: Goodfellow et al. 2016, Deep learning, section 9.5, for valid, same and full.
    """

    kernel_size: int
    stride: int
    dilation: int
    padding: Padding

    def __post_init__(self) -> None:
        for name in ("kernel_size", "stride", "dilation"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be >= 1, got {getattr(self, name)}")
        if self.padding not in PADDINGS:
            raise ValueError(f"padding must be one of {', '.join(PADDINGS)}, got {self.padding}")
        if self.kernel_size % 2 == 0 and self.padding not in ("valid", "full"):
            rule = f"odd where padding is {self.padding}"
            raise ValueError(f"kernel_size must be {rule}, got {self.kernel_size}")

    @property
    def border(self) -> int:
        """Padding on each side, in pixels."""
        reach = self.dilation * (self.kernel_size - 1)
        return {"valid": 0, "full": reach}.get(self.padding, reach // 2)

    @property
    def mode(self) -> Mode:
        """The ``padding_mode`` of torch."""
        modes: tuple[Mode, ...] = ("reflect", "replicate", "circular")
        return next((mode for mode in modes if mode == self.padding), "zeros")
