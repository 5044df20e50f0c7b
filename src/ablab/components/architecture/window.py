"""How a convolution reads its image."""

from dataclasses import dataclass
from typing import Literal, get_args

Padding = Literal["valid", "same", "full", "reflect", "replicate", "circular"]
Mode = Literal["zeros", "reflect", "replicate", "circular"]
PADDINGS: tuple[Padding, ...] = get_args(Padding)


@dataclass(frozen=True)
class Window:
    """How a layer reads its image.

    Attributes:
        kernel_size: side of a window, in pixels, >= 1.
        stride: step between windows, in pixels, >= 1.
        dilation: step between the pixels of a window, >= 1.
        padding: ``"valid"`` adds no border (narrow), ``"full"`` one in which each window with a
            pixel of the image counts (wide), ``"same"`` one that keeps the size at stride 1. These
            borders are zeros; ``"reflect"``, ``"replicate"`` and ``"circular"`` are as wide as
            same's and continue the image.

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
        """Pixels that are added on each side."""
        reach = self.dilation * (self.kernel_size - 1)
        return {"valid": 0, "full": reach}.get(self.padding, reach // 2)

    @property
    def mode(self) -> Mode:
        """What the border holds, in torch's words."""
        continued: tuple[Mode, ...] = ("reflect", "replicate", "circular")
        return next((mode for mode in continued if mode == self.padding), "zeros")
