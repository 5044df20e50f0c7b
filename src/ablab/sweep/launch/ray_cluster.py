"""Connects to a Ray cluster, and checks that its nodes see the lab."""

import logging
import os
import socket
from contextlib import suppress
from pathlib import Path

import ray
from ray.exceptions import GetTimeoutError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ablab.errors import InputError, ResourceError
from ablab.sweep.launch.ray_trial import hidden, sees
from ablab.text import LONGEST_VALUE, escape_controls, format_value, shorten
from ablab.tracking.files import mark

_CONNECT_SECONDS, _ANSWER_SECONDS = 5.0, 60.0
_RULE = "launcher.address must be auto, local or host:port of a running Ray cluster"
# Ray's head speaks HTTP/2, which begins so; its first frame is of the type SETTINGS (RFC 9113).
_SETTINGS = b"\x04"
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + _SETTINGS + bytes(5)


def connect(address: str) -> None:
    """Connect this process to a cluster, unless it is connected.

    Raises:
        InputError: there is none at the address.
    """
    if ray.is_initialized():
        return
    if address not in ("auto", "local"):
        _check_address(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    dashboard = {"include_dashboard": False} if address == "local" else {}
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **dashboard)
    except (RuntimeError, ValueError, OSError) as error:  # also ConnectionError
        sentence = str(error).strip().splitlines()[0].partition(". ")[0]  # the next is advice
        got = shorten(escape_controls(sentence), LONGEST_VALUE)
        raise InputError(f"{_RULE}, got {address}: {got}") from error


def _check_address(address: str) -> None:
    """Try the address: Ray itself would try for a minute, and may end the process."""
    host, _, port = address.rpartition(":")
    if not (host and port.isascii() and port.isdigit()):
        raise InputError(f"{_RULE}, got {format_value(address)}")
    try:
        with socket.create_connection((host, int(port)), _CONNECT_SECONDS) as connection:
            connection.sendall(_PREFACE)
            is_http2 = connection.recv(9)[3:4] == _SETTINGS
    except (OSError, OverflowError) as error:
        raise InputError(f"{_RULE}, got {address}: {error}") from error
    if not is_http2:
        raise InputError(f"{_RULE}, got {address}: another program answers there")


def check_shared(lab: Path) -> None:
    """Check that all nodes see a lab, by a file that is there for a moment.

    Raises:
        ResourceError: a node does not see it, or does not answer.
    """
    marker = lab / f".ray.{mark()}"  # so that `ablab doctor` finds it after a kill
    marker.touch()
    try:
        nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
        look = ray.remote(num_cpus=0, max_retries=0)(sees)
        looks = [
            look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(n, soft=False)).remote(
                marker
            )
            for n in nodes
        ]
        blind = [host for host, is_there in ray.get(looks, timeout=_ANSWER_SECONDS) if not is_there]
    except GetTimeoutError as error:
        raise ResourceError(
            f"each node of the Ray cluster must answer within {_ANSWER_SECONDS:g} seconds, got none"
        ) from error
    except RayError as error:
        got = shorten(escape_controls(str(error).strip().splitlines()[-1]), LONGEST_VALUE)
        raise ResourceError(f"each node of the Ray cluster must run ablab, got {got}") from error
    finally:
        with suppress(OSError):
            marker.unlink()
    if blind:
        raise ResourceError(hidden(lab, blind))
