"""The delivery process: ``python -m ablab.tracking.delivery_process LAB SWEEP``.

It reads runs from its standard input and writes outcomes to its standard output, both as lines of
JSON. It ends when the input does, since the process at its other end is gone then, whatever it is
about to do: the state of a delivery is written after each step.
"""

import json
import os
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ablab.tracking.background_delivery import CLOSE, CLOSED
from ablab.tracking.delivery_queue import DeliveryQueue
from ablab.tracking.lab import Lab
from ablab.tracking.plan import read_plan
from ablab.tracking.run import Run
from ablab.tracking.store import Store, preload
from ablab.tracking.sweep_run import deliver_sweep, refresh_page

_NICENESS = 5  # beside trials on all cores it then has a third of what one of them has
# MLflow works without these, as where mlflow-skinny alone is installed; with them its import takes
# 2.4 instead of 1.8 CPU seconds. The pictures need numpy and matplotlib alone.
_UNUSED = ("pandas", "pyarrow", "scipy")


@dataclass(frozen=True)
class Target:
    """The store of a lab, with the page of one sweep.

    Attributes:
        lab: the lab.
        sweep: its name, empty for trials outside sweeps.
    """

    lab: Lab
    sweep: str

    def open(self) -> Store:
        """Return the store; it shows the sweep's question from now on."""
        store = Store.open(self.lab)
        plan = read_plan(self.lab.sweep_folder(self.sweep)) if self.sweep else None
        if plan is not None:
            deliver_sweep(store, plan)
            refresh_page(store, plan)
        return store

    def finish(self, store: Store) -> None:
        """Update the page of the sweep, whose plan may have grown."""
        plan = read_plan(self.lab.sweep_folder(self.sweep)) if self.sweep else None
        if plan is not None:
            refresh_page(store, plan)


def main() -> None:
    """Deliver until the input ends."""
    # What a library prints must not be taken for an outcome.
    output = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="ascii")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    os.nice(_NICENESS)
    for name in _UNUSED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # it cannot be imported then
    preload()

    def write(message: dict[str, Any]) -> None:
        try:
            output.write(json.dumps(message) + "\n")
        except BrokenPipeError:  # the command has ended
            os._exit(0)

    write({})  # a sign of life
    target = Target(Lab(Path(sys.argv[1])), sys.argv[2])
    queue = DeliveryQueue(target.open, lambda outcome: write(asdict(outcome)), finish=target.finish)

    def close() -> None:
        queue.close()
        write({CLOSED: queue.notices})

    for line in sys.stdin:
        message = json.loads(line)
        if message == CLOSE:
            threading.Thread(target=close, daemon=True).start()
        else:
            run = Run(Path(message.pop("folder")))
            queue.submit(run, message["experiment"], name=message["name"], tags=message["tags"])


if __name__ == "__main__":
    main()
