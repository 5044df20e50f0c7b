"""A trained network with its preprocessing: what `ablab.load` returns."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ablab.errors import InputError
from ablab.model.objective import all_logits
from ablab.model.preprocessing import InputFormat, Preprocessing


class TrainedModel(nn.Module):
    """A trained network with the preprocessing of its training, in evaluation mode.

    Images are a tensor or a numpy array, of the height, width and channels that the network was
    trained on:

    - uint8, (N, H, W, C), or (N, H, W) for gray: pixels as image files and `.npz` files have them;
    - floating point, (N, C, H, W): pixels from 0, black, to 1, white, not normalized.

    A network that was trained on a LightningDataModule of the user's own takes floating point,
    (N, C, H, W), prepared as that module's batches are.

    Args:
        network: (N, C, H, W) -> logits (N, K).
        form: the format of its input.
        preprocessing: None where batches are used unchanged.
        key: of the trial.

    Attributes:
        network: the network alone; takes the batches of `ablab.datamodule`.
        key: key of the trial.
        class_names: names of the K classes, in the order of the logits.
        in_channels: C.
        image_size: H and W, in pixels.
    """

    def __init__(
        self, network: nn.Module, form: InputFormat, preprocessing: Preprocessing | None, key: str
    ) -> None:
        super().__init__()
        self.network, self.preprocessing, self.key = network, preprocessing, key
        self.class_names = form.class_names
        self.in_channels, self.image_size = form.in_channels, form.image_size
        self.eval()

    def forward(self, images: Tensor | NDArray[Any]) -> Tensor:
        """Return the logits (N, K) of images.

        Raises:
            InputError: the images have another type, shape or range.
        """
        x = self._prepared(images)
        # A single image is passed twice, as in training's tests: norms of 1x1 maps fail on one.
        logits = self.network(x if len(x) > 1 else torch.cat([x, x]))
        return all_logits(logits)[0][: len(x)]

    @torch.no_grad()
    def probabilities(self, images: Tensor | NDArray[Any]) -> Tensor:
        """Return the softmax of the logits (N, K), whatever the loss of the training was."""
        return self.forward(images).softmax(1)

    def classify(self, images: Tensor | NDArray[Any]) -> list[str]:
        """Return the name of the most probable class of each image."""
        return [self.class_names[k] for k in self.probabilities(images).argmax(1).tolist()]

    def _prepared(self, images: Tensor | NDArray[Any]) -> Tensor:
        """Return the network's input (N, C, H, W)."""
        x = _to_tensor(images)
        weights = next(self.network.parameters(), x)
        x = x.to(weights.device)
        if x.dtype == torch.uint8 and self.preprocessing is not None:
            return self.preprocessing(self._checked_bytes(x))  # type: ignore[no-any-return]
        if not x.is_floating_point():
            kinds = "floating point" if self.preprocessing is None else "uint8 or floating point"
            raise InputError(f"images must be {kinds}, got {x.dtype}")
        shape = self.in_channels, self.image_size, self.image_size
        if tuple(x.shape[1:]) != shape or not len(x):
            raise InputError(
                f"images in floating point must have the shape (N, {', '.join(map(str, shape))}), "
                f"got {tuple(x.shape)}"
            )
        if self.preprocessing is None:
            return x.to(weights.dtype)
        if not bool((x.min() >= 0) & (x.max() <= 1)):  # NaN is refused too
            raise InputError(
                "images in floating point must have pixels from 0 to 1, not normalized, got "
                f"{x.min():.4g} to {x.max():.4g}; `network` takes normalized batches"
            )
        return self.preprocessing.fractions(x)

    def _checked_bytes(self, x: Tensor) -> Tensor:
        """Return images (N, H, W, C), uint8, after a check of their shape."""
        if x.ndim == 3 and self.in_channels == 1:
            x = x.unsqueeze(-1)
        shape = self.image_size, self.image_size, self.in_channels
        if tuple(x.shape[1:]) != shape or not len(x):
            raise InputError(
                f"images in uint8 must have the shape (N, {', '.join(map(str, shape))}), got "
                f"{tuple(x.shape)}"
            )
        return x


def _to_tensor(images: Tensor | NDArray[Any]) -> Tensor:
    if isinstance(images, Tensor):
        return images
    if isinstance(images, np.ndarray) and images.dtype.kind in "fiu":
        return torch.from_numpy(np.array(images))  # a copy: PIL's arrays cannot be written
    kind = type(images).__name__
    raise InputError(f"images must be a tensor or a numpy array of numbers, got {kind}")
