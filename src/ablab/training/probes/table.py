"""The table of probe values: ``probes.csv`` in the run's folder."""

import os
from pathlib import Path

from ablab.tracking.csv_text import to_csv
from ablab.tracking.files import write_atomic
from ablab.tracking.probes import COLUMNS
from ablab.training.probes.layers import LayerValues
from ablab.training.recorder import to_short_float


class Table:
    """Appends the values of each epoch to a file, and syncs it to the disk.

    Args:
        path: path of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_open = False

    def append(self, epoch: int, layer_values: LayerValues) -> None:
        """Add an epoch's rows; the first call deletes rows of this and later epochs.

        Args:
            epoch: from 0.
            layer_values: values by layer, then by probe.
        """
        if not self._is_open:
            write_atomic(self.path, "".join([to_csv([COLUMNS]), *self._rows_before(epoch)]))
            self._is_open = True
        rows = [
            (epoch, layer, probe, to_short_float(value))
            for layer, values in layer_values.items()
            for probe, value in values.items()
        ]
        with self.path.open("a", encoding="utf-8", newline="") as stream:
            stream.write(to_csv(rows))
            stream.flush()
            os.fsync(stream.fileno())

    def _rows_before(self, epoch: int) -> list[str]:
        """Return the header-free rows of earlier epochs; a killed process may have left more."""
        if not self.path.is_file():
            return []
        lines = self.path.read_text("utf-8").splitlines(keepends=True)[1:]
        whole = [line for line in lines if line.endswith("\n")]
        return [line for line in whole if int(line.partition(",")[0]) < epoch]
