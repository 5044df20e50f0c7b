"""Upper bounds of everything a user can request.

Each is far above the largest value tested. A larger value is refused before memory or time is
spent on it, with the bound in the message.
"""

from typing import Any, NamedTuple

from ablab.text import format_value


class Bound(NamedTuple):
    """Stores an upper bound.

    Attributes:
        most: the largest allowed count.
        unit: of the count, plural.
        why: reason for the bound.
    """

    most: int
    unit: str
    why: str

    @property
    def rule(self) -> str:
        """The bound in words, to be placed after "must"."""
        return f"be at most {self.most:,} {self.unit} ({self.why})"

    def fault(self, key: str, count: int, of: Any = None) -> list[str]:
        """Return the fault of a count above the bound, else nothing.

        Args:
            key: subject of the message.
            count: in the bound's unit.
            of: the value to show instead of the count.
        """
        if count <= self.most:
            return []
        return [f"{key} must {self.rule}, got {f'{count:,}' if of is None else format_value(of)}"]


# A file, an override, a value.
FILE_BYTES = Bound(1_000_000, "bytes", "a component or a question needs a page")
VALUES = Bound(50_000, "values, aliases expanded", "each is read, checked and recorded")
DEPTH = Bound(30, "levels deep", "a configuration has four levels")
OVERRIDE = Bound(10_000, "characters", "a longer list belongs in a YAML file")
TEXT = Bound(10_000, "characters", "a path has at most 4,096")
INTEGER = Bound(2**63 - 1, "in size", "64 bits")
KEY = Bound(200, "characters", "keys become names of columns and folders")
NAME = Bound(100, "characters", "names become folders, columns and legends")
REFERENCES = Bound(100, "interpolations", "each copies what it refers to")

# A sweep.
TRIALS = Bound(20_000, "trials", "variants x blocks x seeds; a larger plan fills the memory")

# A component: what is built, or repeated in a step, one by one.
LAYERS = Bound(2_000, "layers", "the deepest published network here has 1,202")
ITERATIONS = Bound(10_000, "iterations", "in one step")
PIXELS = Bound(4_096, "pixels", "side length of an image in memory")

# A trial, its processes and threads.
EPOCHS = Bound(1_000_000, "epochs", "each is one line of the journal")
IMAGES = Bound(2**31 - 1, "images", "no supported data set is larger")
STRENGTHS = Bound(100, "strengths", "each is one pass over the test images")
PROCESSES = Bound(1_024, "processes", "on one machine")
FUSED_TRIALS = Bound(1_024, "trials", "in one process")
THREADS = Bound(1_024, "threads", "on one machine")
RETRIES = Bound(1_000, "retries", "a trial killed more often has another problem")

# An archive of a sweep.
ARCHIVE_FILES = Bound(500_000, "files", "20,000 trials of 15 files each, and a report")
RECORD_BYTES = Bound(200_000_000, "bytes", "a record is read as a whole")
ARTIFACT_BYTES = Bound(20_000_000_000, "bytes", "the weights of the largest network have 1 GB")
