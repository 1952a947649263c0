"""The table of a run: what was shown in the cluster, how it came out, and how long it took."""

from __future__ import annotations

import os
import platform
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.bench.page_head import page_head

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.caller import Streams

COMMAND = "make test-cluster"
INTRODUCTION = (
    """Does the chart do in a real cluster what it says? Real are etcd, API server, controllers,
    scheduler, metrics-server, two nodes with kubelet, kube-proxy, containerd and runc, the network
    of the pods, kube-router's network policies, the images, and all pods. A small DNS server of the
    tests stands in for CoreDNS. Both nodes are on one machine, and models are simulated.""",
    """The command is `{command}`. It ran on {cores} cores of a machine with a load of {load:.0f},
    which it shared; times are seconds of the clock, and tell more of the machine than of the
    chart. The streams of a row ran during what it names, half over gRPC and half through the
    gateway, and each began anew when it ended.""",
)


def since(start_s: float) -> float:
    """Returns the seconds since a reading of the clock."""
    return time.monotonic() - start_s


def outcome(streams: Streams) -> str:
    """Returns how the streams came out, as a row says it."""
    lost = sum(streams.broken.values())
    return f"{streams.count - lost} streams whole, {lost} lost"


@dataclass(frozen=True, slots=True)
class Figure:
    """One row."""

    shown: str
    seconds: float
    result: str


@dataclass(slots=True)
class Figures:
    """The rows of a run."""

    rows: list[Figure] = field(default_factory=list)

    def add(self, shown: str, seconds: float, result: str = "yes") -> None:
        """Adds a row, and prints it."""
        self.rows.append(Figure(shown, seconds, result))
        sys.stdout.write(f"\n  {shown}: {result}, {seconds:.1f} s")

    @contextmanager
    def timed(self, shown: str, result: str = "yes") -> Iterator[None]:
        """Adds a row about a block if it ends without an error."""
        start_s = time.monotonic()
        yield
        self.add(shown, since(start_s), result)

    def page(self) -> str:
        """Returns the benchmark's page."""
        head = (
            each.format(command=COMMAND, cores=os.cpu_count(), load=os.getloadavg()[2])
            for each in INTRODUCTION
        )
        lines = ["| shown | result | s |", "| --- | --- | ---: |"]
        lines += [f"| {each.shown} | {each.result} | {each.seconds:.0f} |" for each in self.rows]
        kernel = f"Linux {platform.release().partition('-')[0]}, {platform.machine()}."
        return page_head("Cluster", *head) + "\n".join(lines) + f"\n\n{kernel}\n"
