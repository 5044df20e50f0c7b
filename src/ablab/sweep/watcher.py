"""What a schedule tells those that show, log or lease its trials."""

from ablab.sweep.job import Job


class Watcher:
    """Receives the events of a schedule; by default it ignores them."""

    def started(self, job: Job) -> None:
        """Handle the start of an attempt, or a job found locked by another process."""

    def ended(self, job: Job) -> None:
        """Handle a job that reached a final state."""

    def retried(self, job: Job) -> None:
        """Handle a killed job that will be started again; ``job.reason`` says why it ended."""

    def stopping(self, at_once: bool) -> None:
        """Handle a stop asked for by the user; the running trials have their signal already."""

    def blocked(self) -> None:
        """Handle that no trial can start, since other processes have all devices; sent once."""

    def tick(self) -> None:
        """Handle the end of a round, a few times a second."""
