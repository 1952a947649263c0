"""The replica sets of all models; keeps their addresses up to date while the router runs."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import aiohttp

from services.router.backends.replicas.config import IN_SERVICE
from services.router.backends.replicas.discovery.dns import follow_name
from services.router.backends.replicas.discovery.endpoint_slices import NamespaceWatch
from services.router.backends.replicas.discovery.kubernetes import ApiServer
from services.router.backends.replicas.discovery.listener import Listener
from services.router.backends.replicas.dispatcher import ReplicaGenerator
from services.router.backends.replicas.replica_set import ReplicaSet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from services.router.backends.http.exchange import Send
    from services.router.backends.replicas.config import ReplicaSettings, ReplicaTuning
    from services.router.pool.endpoints import Endpoints, EndpointSlices
    from services.router.pool.pool import Pool

_FIRST_LOOK_S = 3.0
"""Longest wait for the first lookup of replicas at start."""


@asynccontextmanager
async def open_replicas(
    settings: ReplicaSettings, send: Send, tuning: ReplicaTuning = IN_SERVICE
) -> AsyncIterator[Replicas]:
    """Keeps replicas up to date until the block ends."""
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
        replicas = Replicas(settings, send, session, tasks, tuning=tuning)
        try:
            yield replicas
        finally:
            replicas.stop()


class Replicas:
    """The replica sets of the models in the current pool.

    Args:
        settings: Limits of retries, hedges and ejection.
        send: Sends the attempts.
        session: HTTP session for the API server.
        tasks: Runs the discovery tasks.
        api_server: Finds the API server; raises `OSError` outside a cluster.
        tuning: Constants that tests change.
    """

    def __init__(
        self,
        settings: ReplicaSettings,
        send: Send,
        session: aiohttp.ClientSession,
        tasks: asyncio.TaskGroup,
        api_server: Callable[[], ApiServer] = ApiServer.of_this_cluster,
        *,
        tuning: ReplicaTuning = IN_SERVICE,
    ) -> None:
        self._settings = settings
        self._tuning = tuning
        self._send = send
        self._session = session
        self._tasks = tasks
        self._api_server = api_server
        self.sets: dict[str, ReplicaSet] = {}
        """By model id."""
        self._followed: dict[str, tuple[Endpoints, Listener, Callable[[], object]]] = {}
        """Endpoints, listener, and what stops the discovery, by model id."""
        self._watches: dict[str, tuple[NamespaceWatch, asyncio.Task[None]]] = {}
        """By namespace."""

    def use(self, pool: Pool) -> ReplicaGenerator:
        """Returns a generator for the models of a pool; models that stay keep their replica sets."""
        before, self.sets = self.sets, {}
        for model in pool.models:
            replicas = before.get(model.id) or ReplicaSet(model.id, self._settings, self._tuning)
            self.sets[model.id] = replicas
            self._follow(replicas, model.replicas)
        for model_id in before.keys() - self.sets.keys():
            self._unfollow(model_id)
            before[model_id].forget()
        return ReplicaGenerator(self._send, self.sets)

    async def first_look(self) -> None:
        """Waits until every lookup has succeeded or failed once, for a bounded time."""
        listeners = [listener for _, listener, _ in self._followed.values()]
        with suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_LOOK_S):
                for listener in listeners:
                    await listener.looked.wait()

    def stop(self) -> None:
        """Stops all discovery tasks, and removes the metrics of all models."""
        for model_id in list(self._followed):
            self._unfollow(model_id)
        for replicas in self.sets.values():
            replicas.forget()

    def _follow(self, replicas: ReplicaSet, endpoints: Endpoints) -> None:
        model_id = replicas.model_id
        if model_id in self._followed and self._followed[model_id][0] == endpoints:
            return
        self._unfollow(model_id)
        listener = Listener(replicas)
        if endpoints.dns is not None:
            task = self._tasks.create_task(follow_name(endpoints.dns, listener))
            self._followed[model_id] = endpoints, listener, task.cancel
        elif endpoints.endpoint_slices is not None:
            stop = self._watch(endpoints.endpoint_slices, listener)
            self._followed[model_id] = endpoints, listener, stop
        else:
            replicas.update(endpoints.base_urls)

    def _watch(self, wanted: EndpointSlices, listener: Listener) -> Callable[[], object]:
        """Adds a Service to the watch of its namespace; returns what removes it."""
        namespace = wanted.namespace
        if namespace not in self._watches:
            new = NamespaceWatch(namespace, self._session, self._api_server)
            self._watches[namespace] = new, self._tasks.create_task(new.follow())
        watch, task = self._watches[namespace]
        watch.add(listener, wanted)

        def remove() -> None:
            if not watch.remove(listener):
                del self._watches[namespace]
                task.cancel()

        return remove

    def _unfollow(self, model_id: str) -> None:
        if model_id in self._followed:
            *_, stop = self._followed.pop(model_id)
            stop()
