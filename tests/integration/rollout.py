"""Rolls pods out as a Deployment does, with the chart's values, real processes and shorter times.

start a pod -> ready by its probe -> in DNS -> minReadySeconds, and until every caller knows it ->
an old pod out of DNS, SIGTERM -> exit
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc.aio
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.rpc.config import ServiceConfig
from tests.integration.headless import link, name_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.integration.headless import Hosts, NameServer

SPEED_UP = 20
"""How many times faster clocks run than in a cluster; processes start and drain at the same speed."""
EXIT_S = 5
"""What the grace period has above the time to drain; tests/chart/test_pods.py holds the chart to it."""
DNS_ANSWERS_ARE_KEPT_S = 5 / SPEED_UP
"""The TTL of CoreDNS."""
START_S = 120
KNOWN_S = 120
"""The longest until every caller knows a new pod. In a cluster, minReadySeconds are enough; here gRPC's
2 s between look-ups are not faster, and the machine may be slow."""
PAUSE_S = 0.01
VALUES = Path(__file__).parents[2] / "deploy/k8s/routemoa/values.yaml"
_CHANNEL_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 200),
)


@dataclass(slots=True, kw_only=True)
class Pod:
    """A service process behind an address of its own."""

    host: str
    process: asyncio.subprocess.Process
    names: NameServer
    """Where it looks up those that it calls."""
    links: AsyncExitStack
    called: asyncio.Event = field(default_factory=asyncio.Event)
    """It has answered a call."""
    stop_s: float = 0.0
    """How long it took to stop."""

    async def read_log(self) -> None:
        """Follows the log to its end."""
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            if json.loads(line)["event"] == "call":
                self.called.set()


@dataclass(slots=True, kw_only=True)
class Deployment:
    """The pods of one component behind a name."""

    component: str
    hosts: Hosts
    port: int
    replica_count: int
    settings: Callable[[NameServer], Mapping[str, str]]
    """The settings of a pod that looks names up there."""
    callers: Callable[[], Sequence[NameServer]]
    """Where those that call it look it up."""
    host_numbers: Iterator[int]
    """Every pod takes the next one; shared by all."""
    tasks: asyncio.TaskGroup
    """Follows logs and links until the pods have stopped."""
    pods: list[Pod] = field(default_factory=list)
    """Those that should run."""
    old_pods: list[Pod] = field(default_factory=list)

    @property
    def values(self) -> dict[str, Any]:
        """The chart's values for the component."""
        values: dict[str, Any] = yaml.safe_load(VALUES.read_text())[self.component]
        return values

    @property
    def name(self) -> str:
        """The name of the headless Service."""
        return f"routemoa-{self.component}-headless.ai.svc"

    def target(self, names: NameServer) -> str:
        """Returns what a client dials that looks names up there."""
        return f"dns://{names.address}/{self.name}:{self.port}"

    @property
    def grace_s(self) -> float:
        """The time to stop."""
        config = self.values["config"]
        return float(config["drain_delay_s"] + config["drain_timeout_s"] + EXIT_S)

    async def roll_out(self) -> None:
        """Replaces every pod, one after the other."""
        rollout = self.values["rollout"]
        share = int(rollout["maxSurge"].removesuffix("%")) / 100
        one_more_pod_first = (1, 0)
        assert (math.ceil(share * len(self.pods)), rollout["maxUnavailable"]) == one_more_pod_first
        async with asyncio.TaskGroup() as stops:
            for pod in list(self.pods):
                new = await self.start()
                await asyncio.sleep(rollout["minReadySeconds"] / SPEED_UP)
                await self._until_known(new)
                stops.create_task(self.stop(pod, signal.SIGTERM))

    async def _until_known(self, pod: Pod) -> None:
        async with asyncio.timeout(KNOWN_S):
            while not all(pod.host in names.told(self.name) for names in self.callers()):  # noqa: ASYNC110
                await asyncio.sleep(PAUSE_S)  # a look-up has no event
            await pod.called.wait()

    async def start(self) -> Pod:
        """Starts a pod and returns it; in DNS as soon as it is ready."""
        number = next(self.host_numbers)
        near, host = f"127.0.1.{number}", f"127.0.2.{number}"
        links = AsyncExitStack()
        names = await links.enter_async_context(
            name_server(kept_s=DNS_ANSWERS_ARE_KEPT_S, hosts=self.hosts)
        )
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"services.{self.component}"),
            env=os.environ | self._environment(f"{host}:{self.port}", names),
            stderr=asyncio.subprocess.PIPE,
        )
        pod = Pod(host=near, process=process, names=names, links=links)
        self.pods.append(pod)
        self.tasks.create_task(pod.read_log())
        await self._until_ready(f"{host}:{self.port}")
        await links.enter_async_context(link(near, host, self.port, self.tasks))
        self.hosts[self.name].append(near)
        return pod

    async def stop(self, pod: Pod, signal_number: int) -> None:
        """Takes a pod out of DNS and signals it at the same moment; kills it after the grace period."""
        started_s = time.monotonic()
        self.pods.remove(pod)
        self.old_pods.append(pod)
        if pod.host in self.hosts[self.name]:
            self.hosts[self.name].remove(pod.host)
        if pod.process.returncode is None:
            pod.process.send_signal(signal_number)
        try:
            await asyncio.wait_for(pod.process.wait(), self.grace_s)
        except TimeoutError:
            pod.process.kill()
            await pod.process.wait()
        pod.stop_s = time.monotonic() - started_s
        await pod.links.aclose()

    async def _until_ready(self, address: str) -> None:
        name = f"routemoa.v1.{self.component.capitalize()}Service"
        async with grpc.aio.insecure_channel(address, options=_CHANNEL_OPTIONS) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            request = health_pb2.HealthCheckRequest(service=name)
            response = await health.Check(request, timeout=START_S, wait_for_ready=True)  # type: ignore[attr-defined]  # its stubs name no method
        assert response.status == health_pb2.HealthCheckResponse.SERVING

    def _environment(self, address: str, names: NameServer) -> dict[str, str]:
        age_s = ServiceConfig.model_fields["max_connection_age_s"].default
        config = self.values["config"]
        settings = {
            "LISTEN_ADDRESS": address,
            "LOG_LEVEL": "debug",
            "DRAIN_DELAY_S": str(config["drain_delay_s"]),
            "DRAIN_TIMEOUT_S": str(config["drain_timeout_s"]),
            "MAX_CONNECTION_AGE_S": str(age_s / SPEED_UP),
            **self.settings(names),
        }
        return {f"ROUTEMOA_{self.component.upper()}_{k}": v for k, v in settings.items()}
