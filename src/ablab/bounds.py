"""The most of everything that a user can ask for, in one place.

Each bound is far above what a trial or a report has been tried with, and is named by the message
that refuses more: before memory or time is spent on it.
"""

from typing import Any, NamedTuple

from ablab.text import shown


class Bound(NamedTuple):
    """The most of something.

    Attributes:
        most: what is still taken.
        unit: of what, plural.
        why: what would come of more.
    """

    most: int
    unit: str
    why: str

    @property
    def rule(self) -> str:
        """The bound in words, to follow "must"."""
        return f"be at most {self.most:,} {self.unit} ({self.why})"

    def fault(self, key: str, count: int, of: Any = None) -> list[str]:
        """Return the fault of more than that, or nothing.

        Args:
            key: what has so many.
            count: how many.
            of: the value to show; unset, the count.
        """
        if count <= self.most:
            return []
        return [f"{key} must {self.rule}, got {f'{count:,}' if of is None else shown(of)}"]


# A file, an override, a value.
FILE_BYTES = Bound(1_000_000, "bytes", "a component or a question takes a page")
VALUES = Bound(50_000, "values, aliases written out", "each is read, checked and recorded")
DEPTH = Bound(30, "levels deep", "a configuration has four")
OVERRIDE = Bound(10_000, "characters", "a list that long belongs into a YAML")
TEXT = Bound(10_000, "characters", "a path has 4,096 at the most")
INTEGER = Bound(2**63 - 1, "in size", "64 bits")
KEY = Bound(200, "characters", "keys become columns and folders")
NAME = Bound(100, "characters", "names become folders, columns and legends")
REFERENCES = Bound(100, "interpolations", "each copies what it refers to")

# A sweep.
TRIALS = Bound(20_000, "trials", "variants times blocks times seeds; their plan fills the memory")

# A component: what its check builds, or a step repeats, one by one.
LAYERS = Bound(2_000, "layers", "the deepest published network here has 1,202")
ITERATIONS = Bound(10_000, "iterations", "of one step")
PIXELS = Bound(4_096, "pixels", "a side of an image in memory")

# A trial, and where it runs.
EPOCHS = Bound(1_000_000, "epochs", "each is a line of the journal")
IMAGES = Bound(2**31 - 1, "images", "no data set here is larger")
STRENGTHS = Bound(100, "strengths", "each is a pass over the test images")
PROCESSES = Bound(1_024, "processes", "of one machine")
THREADS = Bound(1_024, "threads", "of one machine")
RETRIES = Bound(1_000, "retries", "a trial that is killed so often has another fault")
