"""Inception v3 with its auxiliary head, and first layers for 32-pixel images."""

import torch
from torch import Tensor, nn

COMPONENTS = ["normalization=batch", "pooling=mean"]
Size = int | tuple[int, int]


def conv(
    inputs: int, outputs: int, size: Size, stride: int = 1, padding: Size = 0
) -> nn.Sequential:
    """Return a convolution with its normalization and activation."""
    layer = nn.Conv2d(inputs, outputs, size, stride, padding, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())


def row(inputs: int, outputs: int, size: int) -> nn.Sequential:
    """Return a convolution with a kernel of one row."""
    return conv(inputs, outputs, (1, size), padding=(0, size // 2))


def column(inputs: int, outputs: int, size: int) -> nn.Sequential:
    """Return a convolution with a kernel of one column."""
    return conv(inputs, outputs, (size, 1), padding=(size // 2, 0))


def pool() -> nn.Module:
    """Return average pooling that ignores the padding."""
    return nn.AvgPool2d(3, 1, 1, count_include_pad=False)


class Join(nn.ModuleList):
    """Parallel branches, concatenated."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the concatenated maps of the branches."""
        return torch.cat([branch(x) for branch in self], 1)


def module_a(inputs: int, pooled: int) -> nn.Module:
    """Return the module for maps of 35 pixels."""
    three = (conv(inputs, 64, 1), conv(64, 96, 3, padding=1), conv(96, 96, 3, padding=1))
    return Join(
        [
            conv(inputs, 64, 1),
            nn.Sequential(conv(inputs, 48, 1), conv(48, 64, 5, padding=2)),
            nn.Sequential(*three),
            nn.Sequential(pool(), conv(inputs, pooled, 1)),
        ]
    )


def module_b() -> nn.Module:
    """Return the first module that halves the map."""
    three = (conv(288, 64, 1), conv(64, 96, 3, padding=1), conv(96, 96, 3, 2))
    return Join([conv(288, 384, 3, 2), nn.Sequential(*three), nn.MaxPool2d(3, 2)])


def module_c(c: int) -> nn.Module:
    """Return the module for maps of 17 pixels."""
    twice = (column(c, c, 7), row(c, c, 7), column(c, c, 7), row(c, 192, 7))
    return Join(
        [
            conv(768, 192, 1),
            nn.Sequential(conv(768, c, 1), row(c, c, 7), column(c, 192, 7)),
            nn.Sequential(conv(768, c, 1), *twice),
            nn.Sequential(pool(), conv(768, 192, 1)),
        ]
    )


def module_d() -> nn.Module:
    """Return the second module that halves the map."""
    seven = (conv(768, 192, 1), row(192, 192, 7), column(192, 192, 7), conv(192, 192, 3, 2))
    three = (conv(768, 192, 1), conv(192, 320, 3, 2))
    return Join([nn.Sequential(*three), nn.Sequential(*seven), nn.MaxPool2d(3, 2)])


def module_e(inputs: int) -> nn.Module:
    """Return the module for maps of 8 pixels."""
    three = (conv(inputs, 448, 1), conv(448, 384, 3, padding=1))
    return Join(
        [
            conv(inputs, 320, 1),
            nn.Sequential(conv(inputs, 384, 1), Join([row(384, 384, 3), column(384, 384, 3)])),
            nn.Sequential(*three, Join([row(384, 384, 3), column(384, 384, 3)])),
            nn.Sequential(pool(), conv(inputs, 192, 1)),
        ]
    )


class Plain(nn.Module):
    """The network."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.lower = nn.Sequential(
            conv(3, 32, 3, padding=1),
            conv(32, 32, 3, padding=1),
            conv(32, 64, 3, padding=1),
            conv(64, 80, 1),
            conv(80, 192, 3, padding=1),
            *(module_a(192, 32), module_a(256, 64), module_a(288, 64), module_b()),
            *(module_c(128), module_c(160), module_c(160), module_c(192)),
        )
        self.auxiliary = nn.Sequential(
            nn.AdaptiveAvgPool2d(5),
            conv(768, 128, 1),
            nn.Conv2d(128, 768, 5, bias=False),
            nn.Flatten(),
            nn.BatchNorm1d(768),
            nn.ReLU(),
            nn.Linear(768, num_classes),
        )
        self.upper = nn.Sequential(module_d(), module_e(1280), module_e(2048))
        self.linear = nn.Linear(2048, num_classes)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Return logits, and while training the auxiliary ones."""
        x = self.lower(x)
        logits = self.linear(self.upper(x).mean((2, 3)))
        return (logits, self.auxiliary(x)) if self.training else logits


def plain(num_classes: int, **_: object) -> nn.Module:
    """Return the network."""
    return Plain(num_classes)
