"""The table of what the probes found: ``probes.csv`` in the run's folder."""

import os
from pathlib import Path

from ablab.tracking.csv_text import to_csv
from ablab.tracking.files import write_atomic
from ablab.tracking.probes import COLUMNS
from ablab.training.probes.layers import Figures
from ablab.training.recorder import shortest


class Table:
    """Appends each epoch's figures of layers to a file, durably.

    Args:
        path: the file's.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._begun = False

    def append(self, epoch: int, figures: Figures) -> None:
        """Add an epoch's rows; the first time, those of this epoch and later ones are cut off.

        Args:
            epoch: from 0.
            figures: by layer, then by probe.
        """
        if not self._begun:
            write_atomic(self.path, "".join([to_csv([COLUMNS]), *self._rows_before(epoch)]))
            self._begun = True
        rows = [
            (epoch, layer, probe, shortest(value))
            for layer, values in figures.items()
            for probe, value in values.items()
        ]
        with self.path.open("a", encoding="utf-8", newline="") as stream:
            stream.write(to_csv(rows))
            stream.flush()
            os.fsync(stream.fileno())

    def _rows_before(self, epoch: int) -> list[str]:
        """Return the rows of earlier epochs, which a kill may have left others behind."""
        if not self.path.is_file():
            return []
        lines = self.path.read_text("utf-8").splitlines(keepends=True)[1:]
        whole = [line for line in lines if line.endswith("\n")]
        return [line for line in whole if int(line.partition(",")[0]) < epoch]
