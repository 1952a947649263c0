"""Children that end with their parent, and those that do not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from services.rpc import lifeline

TIMEOUT_S = 60
CHILD = """
import signal, sys, time
from services.rpc import lifeline
lifeline.DRAIN_S = 0.1
signal.signal(signal.SIGTERM, {handler})
lifeline.end_with_parent()
print("up", flush=True)
time.sleep(600)
"""


def child(handler: str, held: lifeline.Lifeline | None) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(  # noqa: S603  # our own text
        [sys.executable, "-c", CHILD.format(handler=handler)],
        stdin=subprocess.DEVNULL if held is None else held.stdin,
        stdout=subprocess.PIPE,
        env={**os.environ, **({} if held is None else held.environment)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    return process


@pytest.mark.parametrize(
    ("handler", "status"),
    [
        ("lambda *_: sys.exit(7)", 7),  # it drains
        ("signal.SIG_IGN", -signal.SIGKILL),  # it does not
    ],
)
def test_a_child_drains_or_is_killed_once_the_lifeline_is_gone(handler: str, status: int) -> None:
    with lifeline.open_lifeline() as held:
        process = child(handler, held)
        assert process.poll() is None
    with process:
        assert process.wait(TIMEOUT_S) == status


def test_a_process_without_a_lifeline_outlives_its_standard_input() -> None:
    with child("signal.SIG_DFL", None) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.kill()
