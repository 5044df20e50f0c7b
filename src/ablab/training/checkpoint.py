"""Atomic writing of Lightning's checkpoints."""

import io
from pathlib import Path
from typing import Any

import torch

from ablab.lightning import lightning_fabric
from ablab.tracking.files import write_atomic


class AtomicCheckpointIO(lightning_fabric.plugins.TorchCheckpointIO):
    """Writes a checkpoint beside the previous one, then replaces it.

    Lightning's own class writes to the system's temporary folder first, which may be on another,
    smaller disk; a killed process leaves its file there.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write a checkpoint.

        Raises:
            OSError: it cannot be written; the previous one is unchanged.
        """
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        write_atomic(Path(path), buffer.getbuffer())
