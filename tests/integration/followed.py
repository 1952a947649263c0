"""Replicas as something that follows them tells them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import REGISTRY

from services.router.backends.replicas.config import ReplicaSettings
from services.router.backends.replicas.discovery.listener import Listener
from services.router.backends.replicas.replica_set import ReplicaSet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine


def urls(replicas: ReplicaSet) -> list[str]:
    return [replica.url for replica in replicas.replicas]


async def until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  # what is waited for tells nobody
            await asyncio.sleep(0.01)


@asynccontextmanager
async def following(
    follow: Callable[[Listener], Coroutine[Any, Any, None]],
) -> AsyncIterator[ReplicaSet]:
    """Follows replicas in a task until the block ends."""
    replicas = ReplicaSet("m", ReplicaSettings())
    task = asyncio.create_task(follow(Listener(replicas)))
    try:
        yield replicas
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def failures() -> float:
    """Returns how often nobody could say where the replicas are."""
    name = "routemoa_router_discovery_failures_total"
    return REGISTRY.get_sample_value(name, {"model_id": "m"}) or 0.0
