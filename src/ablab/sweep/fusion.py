"""Which jobs train together in one process (``backend=fused``), and how many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ablab.config.fused import FUSED, fused_signature
from ablab.sweep.job import Job


@dataclass(frozen=True)
class Fusion:
    """Says which waiting jobs a job trains together with.

    Attributes:
        sizes: largest number of trials that train together, by their signature.
    """

    sizes: Mapping[str, int] = field(default_factory=dict)

    def companions(self, job: Job, waiting: Sequence[Job], slots: int) -> list[Job]:
        """Return the jobs that start together with a job.

        They are as many as leave no slot without work. A job whose process was killed starts alone,
        so that one which is killed again takes no other with it.

        Args:
            job: starts now.
            waiting: the others that wait, in the order in which they start.
            slots: number of processes that run at the same time.
        """
        size = self.sizes.get(signature(job), 1) if _may_join(job) else 1
        if size == 1:
            return []
        alike = [o for o in waiting if _may_join(o) and signature(o) == signature(job)]
        share = -(-(len(alike) + 1) // slots)  # rounded up
        return alike[: min(size, share) - 1]


def signature(job: Job) -> str:
    """Return what trials that may train together have in common; empty for another backend."""
    config = job.trial["config"]
    return fused_signature(config) if config.get("backend") == FUSED else ""


def _may_join(job: Job) -> bool:
    return not (job.kills or job.is_alone)
