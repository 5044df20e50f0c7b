"""Where the pictures of a run lie, and drawing them into a folder of the user's."""

import re
from pathlib import Path

from ablab.errors import InputError
from ablab.tracking.delivery_state import OWN_STORE, read_states
from ablab.tracking.lab import Lab
from ablab.tracking.pictures.draw import PICTURES, draw
from ablab.tracking.run import Run
from ablab.tracking.sweep_run import describe_trial

_RUN_ID = re.compile("[0-9a-f]{32}")


def picture_folder(lab: Lab, run: Run) -> Path | None:
    """Return the folder of a run's pictures in the lab's own store, None if it has none there."""
    states = read_states(run, OWN_STORE).values()
    for run_id in (state.run_id for state in states if _RUN_ID.fullmatch(str(state.run_id))):
        for folder in lab.root.glob(f"artifacts/*/{run_id}/artifacts/{PICTURES}"):
            if any(folder.glob("*.png")):
                return folder
    return None


def draw_into(run: Run, folder: Path) -> list[str]:
    """Draw all pictures of a run into a folder, which must be new or empty.

    Returns:
        The names of the files.

    Raises:
        InputError: the folder holds something, or the run has nothing to draw.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"--pictures must be a new or an empty folder, got {folder}")
    if not run.entries():
        raise InputError(f"key must be a trial that has started, got {run.key}")
    folder.mkdir(parents=True, exist_ok=True)
    return draw(run, describe_trial(run.trial)[0], folder)
