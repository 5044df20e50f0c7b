"""Lightning's way to write a checkpoint: whole or not at all, and nowhere but in its place."""

import io
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins.io.torch_io import TorchCheckpointIO

from ablab.tracking.files import write_atomic


class WholeCheckpoint(TorchCheckpointIO):
    """Writes beside the earlier checkpoint and then takes its place.

    Lightning's own writes to the system's temporary folder first, which may be another disk, and
    a small one; a killed process leaves its file there.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write a checkpoint.

        Raises:
            OSError: it cannot be written; the earlier one is as it was.
        """
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        write_atomic(Path(path), buffer.getbuffer())
