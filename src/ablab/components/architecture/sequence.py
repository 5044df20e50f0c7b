"""Images as sequences: scan orders, recurrent layers and pooling over time."""

import torch
from torch import Tensor, nn

READS = ("rows", "columns", "pixels")


class Scan(nn.Module):
    """Reads an image from its top left corner as a sequence of T steps with F features.

    With ``rows`` or ``columns`` each of H or W steps has the values of one line; with ``pixels``
    each of H * W steps, row by row, has the C values of one pixel. Channels are innermost: a line
    of a color image is R, G, B of its first pixel, then of its second.

    Args:
        read: one of rows, columns, pixels.
        in_channels: planes C of an image, >= 1.
        image_size: H and W, in pixels, >= 1.

    Attributes:
        length: T.
        features: F.

    Raises:
        ValueError: ``read`` is unknown.

    Source: the row-wise and pixel-wise scans of Le et al. 2015, arXiv:1504.00941, section 4.2
        (pixels), and of many tutorials (rows).
    """

    def __init__(self, read: str, in_channels: int, image_size: int) -> None:
        super().__init__()
        check_choice("read", READS, read)
        self.read = read
        pixels = read == "pixels"
        self.length = image_size**2 if pixels else image_size
        self.features = in_channels if pixels else in_channels * image_size

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, T, F) of images (N, C, H, W)."""
        if self.read == "rows":
            return x.permute(0, 2, 3, 1).flatten(2)
        if self.read == "columns":
            return x.permute(0, 3, 2, 1).flatten(2)
        return x.permute(0, 2, 3, 1).flatten(1, 2)


class Layer(nn.Module):
    """A recurrent layer in one or both directions: (N, T, F) -> (N, T, D H)."""

    def __init__(self, directions: list[nn.Module]) -> None:
        super().__init__()
        self.directions = nn.ModuleList(directions)

    def forward(self, x: Tensor) -> Tensor:
        """Return the states of every step; the second direction reads from the end."""
        states: Tensor = self.directions[0](x)[0]
        if len(self.directions) == 1:
            return states
        return torch.cat([states, self.directions[1](x.flip(1))[0].flip(1)], 2)


def mean_and_deviation(x: Tensor) -> Tensor:
    """Return mean and standard deviation over time, concatenated: (N, C, T) -> (N, 2 C).

    Of the population; 1e-5 is added to the variance, so that a constant has a finite gradient.

    Source: Snyder et al. 2018, X-vectors (statistics pooling).
    """
    mean = x.mean(2)
    variance = (x - mean[:, :, None]).square().mean(2)
    return torch.cat([mean, (variance + 1e-5).sqrt()], 1)


def check_choice(name: str, choices: tuple[str, ...], value: str) -> None:
    """Raise ValueError unless a value is one of the choices."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value}")


def check_count(name: str, value: int, least: int = 1) -> None:
    """Raise ValueError unless a value is an integer >= ``least``."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} must be an integer >= {least}, got {value}")
