"""Free ports for servers that start later, or again, at an address that is known before."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from random import SystemRandom

_PORTS = range(10_000, 30_000)
"""Below those that the kernel gives to outgoing connections, so that none takes one meanwhile."""
# pytest-randomly gives all workers the same seed: with it, all would draw the same ports.
_chance = SystemRandom()


def free_port(*hosts: str) -> int:
    """Returns a port that nothing listens on at any of the addresses; 127.0.0.1 if none is given."""
    while True:
        port = _chance.choice(_PORTS)
        with ExitStack() as probes:
            try:
                for host in hosts or ("127.0.0.1",):
                    probes.enter_context(socket.socket()).bind((host, port))
            except OSError:
                continue
            return port
