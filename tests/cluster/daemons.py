"""The processes of the cluster, and waiting for what they are to do."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

from tests.chart.chart import ROOT
from tests.cluster.nodes import FIRST, STATE, Node, within

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.api import Api

START_S = 180.0
_DAEMONS: list[subprocess.Popen[bytes]] = []
"""Kept, since one that is collected while it runs is reported as a leak."""


def start_daemon(name: str, *command: str, node: Node = FIRST) -> None:
    """Starts a process in a node's network, whose id is kept and whose output is a log."""
    with (STATE / "log" / f"{name}-{node.name}.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  # our own commands
            within(*command, node=node),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=ROOT,
        )
    _DAEMONS.append(process)
    (STATE / "pids" / f"{name}-{node.name}").write_text(str(process.pid))


def wait(condition: Callable[[], object], timeout_s: float = START_S) -> None:
    """Waits until a condition holds, longer on a busy machine; an assertion fails otherwise."""
    until_s = time.monotonic() + timeout_s * max(1.0, os.getloadavg()[0] / 8)
    while not condition():
        assert time.monotonic() < until_s, f"not so after {timeout_s} s"
        time.sleep(0.5)


def answers(api: Api, path: str) -> bool:
    """Returns whether the API server has something at a path."""
    try:
        api.ask(path)
    except OSError:
        return False
    return True
