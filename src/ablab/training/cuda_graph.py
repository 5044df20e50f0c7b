"""A training step's forward and backward pass as CUDA graphs: ``devices.cuda_graph``."""

import torch
from torch import nn

from ablab.data.module import InMemoryDataModule
from ablab.lightning import pl

_RUNS = 3  # of the network before its capture, as torch recommends


class CudaGraph(pl.Callback):
    """Captures the network's forward and backward pass before training, and replays them.

    A step of a small network on a GPU is the launch of a hundred kernels, which take longer to
    launch than to run; a graph launches them at once. The loss, the regularizer and the update
    remain outside, so that schedulers, clipping and any optimizer work as without it. Captured are
    the training batches alone, which all have one shape; evaluation calls the network itself.

    `ablab.config.graph_faults` refuses what cannot be captured.

    Attributes:
        is_captured: whether the network's training passes are replayed now.
    """

    is_captured = False

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Capture the network, with the weights of the checkpoint if the run is resumed."""
        data, network = trainer.datamodule, module.network  # type: ignore[attr-defined]
        assert isinstance(data, InMemoryDataModule)
        assert isinstance(network, nn.Module)
        images = trainer.precision_plugin.convert_input(data.first_images())
        # The capture runs the network: batch norm would count it as training steps.
        before = [buffer.clone() for buffer in network.buffers()]
        torch.cuda.make_graphed_callables(network, (images,), num_warmup_iters=_RUNS)
        with torch.no_grad():
            for buffer, value in zip(network.buffers(), before, strict=True):
                buffer.copy_(value)
        self.is_captured = True

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Give the network its own forward pass back."""
        self._release(module)

    def on_exception(
        self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Give the network its own forward pass back."""
        self._release(module)

    def _release(self, module: pl.LightningModule) -> None:
        if self.is_captured:
            vars(module.network).pop("forward")  # hides the one of the class
            self.is_captured = False
