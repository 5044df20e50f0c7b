"""The ledger: which lab trains a trial, where several labs share an MLflow store.

MLflow decides one thing in favor of the first writer: a param of a run is never changed. So a lease
is a param of the ledger, a run in an experiment of its own:

<key>.<round>.<generation>        the holder: host, boot, process, lab
<key>.<round>.<generation>.end    why it ended: finished, failed, stopped, withdrawn
<key>.<round>.counted             the MLflow run that counts

Another run, the index, names the ledger: MLflow returns a run with all its params, and the index is
read at each claim. There each holder has a tag, its beat. A holder whose beat stood still for three
intervals of the observer's own monotonic clock, or whose process on this machine has ended, is
gone: the next generation replaces it. A trial may be trained twice, but the first that is written
as counted stays so. A new round begins where the counted run does not suffice, such as with
``--rerun-changed``.

Two processes may create a ledger each at the same time. A lease therefore has to be won in every
ledger that is there after it was won: of two holders, the one that looked last has seen the
ledgers of both.
"""

import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ablab.tracking.files import is_alive, start_time
from ablab.tracking.host_marker import machine
from ablab.tracking.mlflow_runs import is_deleted
from ablab.tracking.store import Store
from ablab.tracking.store_errors import translate_errors

EXPERIMENT = "ablab.leases"
INTERVAL = 10.0  # seconds from one beat to the next
_STILL = 3  # intervals without a beat after which a holder is gone
_INDEX = "tags.`ablab.kind` = 'ledger'"
_LEDGER = "ablab.ledger"
_LEASE = re.compile(r"(?P<name>.+\.\d+)\.(?P<generation>\d+)")


@dataclass
class Ledger:
    """The leases of a store, as one process of a lab sees and writes them.

    Its methods raise `ablab.errors.StoreError` where the store does not answer.

    Attributes:
        store: an open store that other labs use too.
        interval: seconds from one beat to the next.
        clock: monotonic time in seconds.
    """

    store: Store
    interval: float = INTERVAL
    clock: Callable[[], float] = time.monotonic
    _params: dict[str, str] = field(default_factory=dict)
    _newest: dict[str, int] = field(default_factory=dict)
    _tags: dict[str, str] = field(default_factory=dict)
    _seen: dict[str, tuple[str, float]] = field(default_factory=dict)
    _known: list[str] = field(default_factory=list)
    _beats: int = 0
    _read_at: float = 0.0

    @cached_property
    def holder(self) -> dict[str, str]:
        """What identifies this process, as a lease stores it."""
        pid, started = os.getpid(), start_time(os.getpid())
        own = machine()
        lab = str(self.store.lab.root.resolve())
        name = f"{own['host']}-{own['boot'][:8]}-{pid}-{started}"
        space = _process_space()
        return {"id": name, **own, "space": space, "pid": str(pid), "started": started, "lab": lab}

    def read(self) -> None:
        """Read all leases and beats."""
        with translate_errors(self.store.address):
            indexes = self._indexes()
            found = [self.store.client.get_run(ledger) for ledger in _named(indexes)]
        self._params, self._tags, self._newest = {}, {}, {}
        for run in reversed(found):  # the first one's values win
            self._params |= run.data.params
        for index in indexes:
            self._tags |= index.data.tags
        for param in self._params:
            if match := _LEASE.fullmatch(param):
                number = int(match["generation"])
                self._newest[match["name"]] = max(number, self._newest.get(match["name"], 0))
        self._read_at = now = self.clock()
        for tag, beat in self._tags.items():
            if tag.startswith("beat.") and self._seen.get(tag, ("", 0.0))[0] != beat:
                self._seen[tag] = beat, now

    def beat(self) -> None:
        """Show that this process lives."""
        self._beats += 1
        with translate_errors(self.store.address):
            for index in self._indexes():
                name = f"beat.{self.holder['id']}"
                self.store.client.set_tag(index.info.run_id, name, str(self._beats))

    def claim(self, key: str, number: int) -> bool:
        """Lease a trial, and return whether this process holds the lease now.

        Args:
            key: the trial's key.
            number: of the round, from 1.
        """
        generation = self._free_generation(key, number)
        if generation is None:
            return False
        name, won = f"{key}.{number}.{generation}", list[str]()
        if not self._win(name, json.dumps(self.holder), won):
            with translate_errors(self.store.address):
                for ledger in won:
                    self._write(ledger, f"{name}.end", "withdrawn")
            self.read()
            return False
        self._newest[f"{key}.{number}"] = generation
        return True

    def end(self, key: str, number: int, reason: str) -> None:
        """End the lease that this process holds; without one nothing happens."""
        generation = self._newest.get(f"{key}.{number}", 0)
        name = f"{key}.{number}.{generation}"
        if self._holder(name).get("id") == self.holder["id"] and f"{name}.end" not in self._params:
            self._win(f"{name}.end", reason, [])

    def count(self, key: str, number: int, run: Mapping[str, str]) -> dict[str, str]:
        """Return the MLflow run that counts in a round: this one, unless another one was first.

        Args:
            key: the trial's key.
            number: of the round.
            run: ``run_id`` and ``experiment`` of the MLflow run.
        """
        if not self._win(f"{key}.{number}.counted", json.dumps(run), []):
            self.read()
        return self.counted(key, number) or dict(run)

    def counted(self, key: str, number: int) -> dict[str, str] | None:
        """Return ``run_id`` and ``experiment`` of the run that counts in a round, or None."""
        run = _mapping(self._params.get(f"{key}.{number}.counted"))
        return run if {"run_id", "experiment"} <= run.keys() else None

    def describe_holder(self, key: str, number: int) -> str:
        """Return who holds the newest lease of a trial."""
        holder = self._holder(f"{key}.{number}.{self._newest.get(f'{key}.{number}', 0)}")
        return f"{holder.get('host', 'another machine')} (process {holder.get('pid', 'unknown')})"

    def _free_generation(self, key: str, number: int) -> int | None:
        """Return the generation to claim, None where a living process has the newest lease."""
        newest = self._newest.get(f"{key}.{number}", 0)
        name = f"{key}.{number}.{newest}"
        if not newest or f"{name}.end" in self._params:
            return newest + 1
        holder = self._holder(name)
        if holder.get("id") == self.holder["id"]:
            return newest
        return newest + 1 if self._is_gone(holder) else None

    def _is_gone(self, holder: Mapping[str, str]) -> bool:
        own, pid = self.holder, holder.get("pid", "")
        is_here = all(own[name] and holder.get(name) == own[name] for name in ("boot", "space"))
        is_known = is_here and pid.isdigit()
        if is_known and not (is_alive(int(pid)) and start_time(int(pid)) == holder.get("started")):
            return True
        _, since = self._seen.setdefault(f"beat.{holder.get('id')}", ("", self._read_at))
        return self._read_at - since > _STILL * self.interval

    def _holder(self, name: str) -> dict[str, str]:
        return _mapping(self._params.get(name))

    def _win(self, name: str, value: str, won: list[str]) -> bool:
        """Write a param into every ledger, and return whether it has this value in all of them.

        Args:
            name: of the param.
            value: of the param.
            won: the ledgers that it was written into are appended.
        """
        with translate_errors(self.store.address):
            further = self._known or _named(self._indexes())
            while further:
                for ledger in further:
                    if not self._write(ledger, name, value):
                        return False
                    won.append(ledger)
                further = [each for each in _named(self._indexes()) if each not in won]
        self._known = sorted(won)
        self._params[name] = value
        return True

    def _write(self, ledger: str, name: str, value: str) -> bool:
        """Write a param and return whether it has this value; a repetition changes nothing."""
        from mlflow.exceptions import MlflowException

        client = self.store.client
        try:
            client.log_param(ledger, name, value)
        except MlflowException as error:
            if error.error_code != "INVALID_PARAMETER_VALUE":
                raise
            run = client.get_run(ledger)
            if is_deleted(run):  # living processes hold leases in it
                client.restore_run(ledger)
                return self._write(ledger, name, value)
            return bool(run.data.params.get(name) == value)
        return True

    def _indexes(self) -> list[Any]:
        """Return the runs that name a ledger; one is created if there is none."""
        from mlflow.entities import ViewType

        client, experiment = self.store.client, self._experiment
        found = client.search_runs([experiment], _INDEX, run_view_type=ViewType.ALL)
        if not found:
            ledger = client.create_run(experiment, run_name="which lab trains which trial")
            tags = {"ablab.kind": "ledger", _LEDGER: ledger.info.run_id}
            client.create_run(experiment, tags=tags, run_name="index of the leases")
            self.store.logged["runs"] += 2
            found = client.search_runs([experiment], _INDEX, run_view_type=ViewType.ALL)
        for index in found:
            if is_deleted(index):
                client.restore_run(index.info.run_id)
        return list(found)

    @cached_property
    def _experiment(self) -> str:
        return self.store.experiment(EXPERIMENT)


def _named(indexes: Sequence[Any]) -> list[str]:
    """Return the ids of the ledgers, sorted: processes that claim at once begin with the same."""
    return sorted(index.data.tags[_LEDGER] for index in indexes if _LEDGER in index.data.tags)


def _mapping(text: str | None) -> dict[str, str]:
    """Return the content of a param, empty where it is none of ours."""
    try:
        content = json.loads(text or "{}")
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in content.items()} if isinstance(content, dict) else {}


def _process_space() -> str:
    """Return the space of this machine's process ids: each container has its own; else empty."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
