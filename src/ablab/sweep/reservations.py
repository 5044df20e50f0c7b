"""The slots of a launcher that a schedule uses: free, reserved or shared with other sweeps."""

from ablab.sweep.launch.launcher import Launcher, QueueingLauncher, SharingLauncher


class Reservations:
    """Reserves slots of a launcher for runs.

    Args:
        launcher: one of shared devices is asked before each start.
    """

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._sharing = launcher if isinstance(launcher, SharingLauncher) else None
        self._capacity = launcher.capacity if isinstance(launcher, QueueingLauncher) else None
        self._reserved: set[int] = set()

    def reserve(self, *, alone: bool) -> int | None:
        """Reserve a slot and return its number, or None if there is none now.

        Args:
            alone: whether the run needs a device without other runs.
        """
        numbers = range(self._capacity or self._launcher.slots)
        free = (n for n in numbers if n not in self._reserved)
        for slot in free:
            if self._sharing is None or self._sharing.reserve(slot, alone=alone):
                self._reserved.add(slot)
                return slot
        return None

    def release(self, slot: int) -> None:
        """Release a reserved slot."""
        self._reserved.remove(slot)
        if self._sharing is not None:
            self._sharing.release(slot)

    def are_all_free(self) -> bool:
        """Return whether no slot is reserved."""
        return not self._reserved

    def is_shared(self, slot: int) -> bool:
        """Return whether other runs may be on the slot's device."""
        return self._sharing is not None and self._sharing.is_shared(slot)
