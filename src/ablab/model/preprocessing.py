"""The input of a trained network: its format, and a module that normalizes images as in training.

`InputFormat` is stored with the weights, so that a network can be used where its data are missing.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ablab.data.batches import pixel_permutation
from ablab.data.module import InMemoryDataModule
from ablab.data.trial_data import TrialData

_METADATA = "ablab.input"  # key in the metadata of a safetensors file


@dataclass(frozen=True)
class InputFormat:
    """Describes the images that a network was trained on, and its classes.

    Attributes:
        in_channels: channels of an image.
        image_size: height and width, in pixels.
        class_names: names of the classes 0, 1, ….
        mean: subtracted per channel, from pixels in [0, 1]; None for a LightningDataModule of the
            user's own, whose batches are used unchanged.
        std: divisor per channel; None where ``mean`` is.
    """

    in_channels: int
    image_size: int
    class_names: tuple[str, ...]
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @classmethod
    def of(cls, data: TrialData) -> "InputFormat":
        """Return the format of a trial's data, which are read if they are ablab's own.

        Raises:
            DataError: the data are missing or damaged.
        """
        mean, std = data.normalization if isinstance(data, InMemoryDataModule) else (None, None)
        return cls(data.in_channels, data.image_size, tuple(data.class_names), mean, std)

    def to_metadata(self) -> dict[str, str]:
        """Return the format as metadata of a safetensors file."""
        return {_METADATA: json.dumps(asdict(self))}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str] | None) -> "InputFormat | None":
        """Return the format in the metadata of a safetensors file, None if an older one has none.

        Raises:
            ValueError, TypeError: it is another record.
        """
        text = (metadata or {}).get(_METADATA)
        if text is None:
            return None
        content: dict[str, Any] = json.loads(text)
        values: dict[str, Any] = {
            n: tuple(v) if isinstance(v, list) else v for n, v in content.items()
        }
        return cls(**values)


class Preprocessing(nn.Module):
    """Normalizes images exactly as the batches of training and test are.

    Args:
        form: with mean and standard deviation.
        permutation: (H * W,), the source pixel of each pixel; None for the identity.
        dtype: of the network's weights.
    """

    factor: Tensor
    term: Tensor
    byte_factor: Tensor
    permutation: Tensor | None

    def __init__(self, form: InputFormat, permutation: Tensor | None, dtype: torch.dtype) -> None:
        super().__init__()
        mean, std = torch.tensor(form.mean), torch.tensor(form.std)
        # In the order of `ablab.data.batches.Batches`, so that the results are equal to the bit.
        self.register_buffer("factor", 1 / std)
        self.register_buffer("term", -mean / std)
        self.register_buffer("byte_factor", 1 / std / 255)
        self.register_buffer("permutation", permutation)
        self._dtype = dtype

    def forward(self, images: Tensor) -> Tensor:
        """Return the network's input (N, C, H, W) for images (N, H, W, C), uint8."""
        return self._arranged(images.float() * self.byte_factor + self.term)

    def fractions(self, images: Tensor) -> Tensor:
        """Return the network's input for images (N, C, H, W), floating point in [0, 1]."""
        return self._arranged(images.float().permute(0, 2, 3, 1) * self.factor + self.term)

    def _arranged(self, x: Tensor) -> Tensor:
        """Return normalized values (N, H, W, C) as (N, C, H, W), their pixels permuted."""
        if self.permutation is not None:
            x = x.flatten(1, 2).index_select(1, self.permutation).view(x.shape)
        return x.permute(0, 3, 1, 2).to(self._dtype)


def preprocessing(
    form: InputFormat, config: Mapping[str, Any], dtype: torch.dtype
) -> Preprocessing | None:
    """Return the preprocessing of a trial, None where its batches are used unchanged.

    Args:
        form: the input of the network.
        config: the trial's configuration.
        dtype: of the network's weights.
    """
    if form.mean is None:
        return None
    permutation = None
    if config["data"]["permute_pixels"]:
        permutation = pixel_permutation(config["seed"], form.image_size)
    return Preprocessing(form, permutation, dtype)
