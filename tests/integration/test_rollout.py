"""A rolling update loses no call: all services at once, as `helm upgrade` replaces them, under load."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter, defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

import pytest

from routemoa import RouteMoAClient, calls, channel
from routemoa.errors import RouteMoAError
from routemoa.v1.router_service_pb2 import RoutingPolicy
from services.simulator import Pacing, running_simulator
from tests.integration.conftest import write_pool
from tests.integration.headless import name_server
from tests.integration.rollout import DNS_ANSWERS_ARE_KEPT_S, Deployment
from tests.pace import PACE
from tests.ports import free_port
from tests.scripted_answers import ScriptedAnswers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from routemoa.v1.router_service_pb2 import StreamAnswerResponse
    from tests.integration.headless import Hosts, NameServer

TIMEOUT_S = 60.0 * PACE
PAUSE_S = 0.05
QUERY = "How many legs has a spider?"
ANSWER = "A spider has eight legs, and two palps that look like legs and are none." * 3
MODELS = ("a", "b")
REPLICA_COUNTS = {"scorer": 2, "router": 2, "judge": 1}
"""One alone is the hardest: the client must know the new pod before it loses the only old one."""


@dataclass(slots=True, kw_only=True)
class Load:
    """Calls without a pause longer than `PAUSE_S`, until the block ends."""

    client: RouteMoAClient
    answered: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)

    async def rank(self) -> None:
        await self.client.rank(QUERY, timeout_s=TIMEOUT_S)

    async def route(self) -> None:
        response = await self.client.route(QUERY, timeout_s=TIMEOUT_S)
        self._note_fallbacks(response.fallbacks)

    async def stream(self) -> None:
        """Streams an answer; one that is cut has no result, or not all that was shown before it."""
        shown, last = "", None
        policy = RoutingPolicy(strategy="layers")  # which needs the judge
        events = self.client.stream(QUERY, policy, full_result=True, timeout_s=TIMEOUT_S)
        async for event in events:
            shown = ("" if event.HasField("reset") else shown) + event.delta.text
            last = event
        self._note_cut(shown, last)

    def _note_cut(self, shown: str, last: StreamAnswerResponse | None) -> None:
        if last is None or not last.HasField("result") or shown != last.result.answer.text:
            self.lost.append(f"stream: cut after {len(shown)} characters")
        else:
            self._note_fallbacks(last.result.fallbacks)

    def _note_fallbacks(self, fallbacks: Sequence[object]) -> None:
        self.lost += [f"behind the router: {fallback}" for fallback in fallbacks]

    async def repeat(self, call: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await call()
                self.answered[call.__name__] += 1
            except RouteMoAError as error:
                self.lost.append(f"{call.__name__}: {error.code}: {error.message}")
            await asyncio.sleep(PAUSE_S)


@asynccontextmanager
async def loaded(client: RouteMoAClient) -> AsyncIterator[Load]:
    load = Load(client=client)
    async with asyncio.TaskGroup() as group:
        calls = (*(load.rank,) * 3, *(load.route,) * 3, *(load.stream,) * 6)
        workers = [group.create_task(load.repeat(call)) for call in calls]
        try:
            yield load
        finally:
            for worker in workers:
                worker.cancel()


@dataclass(slots=True, kw_only=True)
class Cluster:
    """The three Deployments, and a client of theirs."""

    deployments: Mapping[str, Deployment]
    client: RouteMoAClient


@asynccontextmanager
async def running_cluster(folder: Path) -> AsyncIterator[Cluster]:
    pacing = Pacing(time_to_first_token_s=0.1, tokens_per_second=60)
    hosts: Hosts = defaultdict(list)
    async with (
        running_simulator(ScriptedAnswers(dict.fromkeys(MODELS, ANSWER)), pacing=pacing) as pool,
        name_server(kept_s=DNS_ANSWERS_ARE_KEPT_S, hosts=hosts) as names,
        asyncio.TaskGroup() as tasks,
    ):
        known = {model: {"prior_score": 0.5} for model in MODELS}
        pool_file = write_pool(folder, pool.url, dict.fromkeys(MODELS, ANSWER), known, None)
        deployments: dict[str, Deployment] = {}

        def router_settings(of_pod: NameServer) -> dict[str, str]:
            settings = {"POOL_FILE": str(pool_file)}
            for component in ("SCORER", "JUDGE"):
                target = deployments[component.lower()].target(of_pod)
                settings[f"{component}_ADDRESS"] = target
                # The question is whether calls are lost, not whether a busy machine answers soon.
                settings[f"{component}_TIMEOUT_S"] = str(TIMEOUT_S)
            return settings

        def routers() -> list[NameServer]:
            return [pod.names for pod in deployments["router"].pods]

        settings: dict[str, Callable[[NameServer], Mapping[str, str]]] = {
            "scorer": lambda _: {"MAX_QUEUE_WAIT_S": str(TIMEOUT_S)},
            "judge": lambda _: {},
            "router": router_settings,
        }
        callers = {
            "scorer": lambda: [names, *routers()],
            "judge": routers,
            "router": lambda: [names],
        }
        numbers = count(1)
        port = free_port(*(f"127.0.{net}.{number}" for net in (1, 2) for number in range(1, 13)))
        deployments |= {
            component: Deployment(
                component=component,
                hosts=hosts,
                port=port,
                replica_count=replica_count,
                settings=settings[component],
                callers=callers[component],
                host_numbers=numbers,
                tasks=tasks,
            )
            for component, replica_count in REPLICA_COUNTS.items()
        }
        router, scorer = (deployments[name].target(names) for name in ("router", "scorer"))
        try:
            async with asyncio.TaskGroup() as starts:
                for deployment in deployments.values():
                    for _ in range(deployment.replica_count):
                        starts.create_task(deployment.start())
            async with RouteMoAClient(router, scorer=scorer) as client:
                yield Cluster(deployments=deployments, client=client)
        finally:
            for deployment in deployments.values():
                for pod in list(deployment.pods):
                    await deployment.stop(pod, signal.SIGKILL)


@pytest.fixture
def patient_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets clients wait longer on a busy machine than their service config allows."""
    config = json.loads(channel.SERVICE_CONFIG)
    for methods in config["methodConfig"]:
        methods["timeout"] = f"{float(methods['timeout'].removesuffix('s')) * PACE:.3f}s"
    monkeypatch.setattr(channel, "SERVICE_CONFIG", json.dumps(config))
    longer = {method: PACE * timeout_s for method, timeout_s in calls._TIMEOUTS_S.items()}
    monkeypatch.setattr(calls, "_TIMEOUTS_S", longer)


@pytest.mark.usefixtures("patient_clients")
@pytest.mark.timeout(300)
async def test_a_rolling_update_of_all_services_loses_no_call(tmp_path: Path) -> None:
    async with running_cluster(tmp_path) as cluster:
        async with loaded(cluster.client) as load, asyncio.TaskGroup() as rollouts:
            for deployment in cluster.deployments.values():
                rollouts.create_task(deployment.roll_out())
        new_pods = {name: list(d.pods) for name, d in cluster.deployments.items()}
    assert load.lost == []
    assert min(load.answered[kind] for kind in ("rank", "route", "stream")) > 10
    for name, deployment in cluster.deployments.items():
        old_pods = [pod for pod in deployment.old_pods if pod not in new_pods[name]]
        assert [pod.process.returncode for pod in old_pods] == [0] * deployment.replica_count
        assert all(pod.stop_s < deployment.grace_s for pod in old_pods)


@pytest.mark.timeout(300)
async def test_a_pod_that_is_killed_under_the_same_load_does_lose_calls(
    tmp_path: Path,
) -> None:
    async with running_cluster(tmp_path) as cluster, loaded(cluster.client) as load:
        router = cluster.deployments["router"]
        while not load.lost:  # by chance, a pod may have no stream when it is killed
            pod = router.pods[0]
            await pod.called.wait()
            await router.stop(pod, signal.SIGKILL)
            await router.start()
