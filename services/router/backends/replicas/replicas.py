"""All replicas of all models: follows where they are for as long as the router runs."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import aiohttp

from services.router.backends.replicas.discovery.dns import follow_name
from services.router.backends.replicas.discovery.endpoint_slices import follow_slices
from services.router.backends.replicas.discovery.kubernetes import ApiServer
from services.router.backends.replicas.discovery.listener import Listener
from services.router.backends.replicas.replica_generator import ReplicaGenerator
from services.router.backends.replicas.replica_set import ReplicaSet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from services.router.backends.client import WireClient
    from services.router.backends.replicas.settings import ReplicaSettings
    from services.router.pool.endpoints import Endpoints
    from services.router.pool.pool import Pool

_FIRST_LOOK_S = 3.0
"""How long a start waits for the first word of where the replicas are."""


@asynccontextmanager
async def open_replicas(settings: ReplicaSettings, client: WireClient) -> AsyncIterator[Replicas]:
    """Follows replicas until the block ends."""
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
        replicas = Replicas(settings, client, session, tasks)
        try:
            yield replicas
        finally:
            replicas.stop()


class Replicas:
    """The replicas of the models of the pool that is in use.

    Args:
        settings: How far to go for a call.
        client: Makes the attempts.
        session: For the API server.
        tasks: Whoever follows something runs in it.
        api_server: Finds the API server; raises `OSError` where there is none.
    """

    def __init__(
        self,
        settings: ReplicaSettings,
        client: WireClient,
        session: aiohttp.ClientSession,
        tasks: asyncio.TaskGroup,
        api_server: Callable[[], ApiServer] = ApiServer.of_this_cluster,
    ) -> None:
        self._settings = settings
        self._client = client
        self._session = session
        self._tasks = tasks
        self._api_server = api_server
        self.sets: dict[str, ReplicaSet] = {}
        """By model id."""
        self._followed: dict[str, tuple[Endpoints, Listener, asyncio.Task[None]]] = {}

    def use(self, pool: Pool) -> ReplicaGenerator:
        """Returns what runs calls to the models of a pool; what is known of those that stay is kept."""
        before, self.sets = self.sets, {}
        for model in pool.models:
            replicas = before.get(model.id) or ReplicaSet(model.id, self._settings)
            self.sets[model.id] = replicas
            self._follow(replicas, model.replicas)
        for model_id in before.keys() - self.sets.keys():
            self._unfollow(model_id)
            before[model_id].forget()
        return ReplicaGenerator(self._client, self.sets)

    async def first_look(self) -> None:
        """Waits until it is known where the replicas are, or was tried to be, but never for long."""
        listeners = [listener for _, listener, _ in self._followed.values()]
        with suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_LOOK_S):
                for listener in listeners:
                    await listener.looked.wait()

    def stop(self) -> None:
        """Follows nothing any more."""
        for model_id in list(self._followed):
            self._unfollow(model_id)

    def _follow(self, replicas: ReplicaSet, endpoints: Endpoints) -> None:
        model_id = replicas.model_id
        if model_id in self._followed and self._followed[model_id][0] == endpoints:
            return
        self._unfollow(model_id)
        listener = Listener(replicas)
        if endpoints.dns is not None:
            following = follow_name(endpoints.dns, listener)
        elif endpoints.endpoint_slices is not None:
            following = follow_slices(
                endpoints.endpoint_slices, listener, self._session, self._api_server
            )
        else:
            replicas.update(endpoints.base_urls)
            return
        task = self._tasks.create_task(following)
        self._followed[model_id] = endpoints, listener, task

    def _unfollow(self, model_id: str) -> None:
        if model_id in self._followed:
            *_, task = self._followed.pop(model_id)
            task.cancel()
