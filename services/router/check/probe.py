"""Asks every endpoint of a pool for its list of models, and for short replies."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from services.router.backends.client import open_wire_client
from services.router.backends.replicas.discovery.dns import lookup
from services.router.check.endpoint import Endpoint
from services.router.check.proposal import propose
from services.router.check.report import (
    EndpointReport,
    Findings,
    endpoint_report,
    unchecked_report,
)
from services.router.pool.endpoints import base_url
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from services.router.backends.client import WireClient
    from services.router.pool.model import PoolModel
    from services.router.pool.pool import Pool

_MAX_TOGETHER = 16


async def check_pool(pool: Pool, *, timeout_s: float) -> list[EndpointReport]:
    """Returns a report per endpoint, in the order of the file.

    Args:
        pool: The pool.
        timeout_s: Time for an endpoint's list, and again for each test call.
    """
    together = asyncio.Semaphore(_MAX_TOGETHER)

    async def check(client: WireClient, model: PoolModel, url: str) -> EndpointReport:
        async with together:
            endpoint = Endpoint(client=client, model=model, url=url, timeout_s=timeout_s)
            return endpoint_report(model, url, await _findings(endpoint))

    async def check_model(client: WireClient, model: PoolModel) -> list[EndpointReport]:
        try:
            async with asyncio.timeout(timeout_s):
                urls = await _urls(model)
        except OSError:  # `TimeoutError` is one too
            return [unchecked_report(model, CallStatus.UNREACHABLE, "its name has no address")]
        if not urls:
            return [unchecked_report(model, None, None)]
        return await asyncio.gather(*(check(client, model, url) for url in urls))

    async with open_wire_client() as client, asyncio.TaskGroup() as tasks:
        checks = [tasks.create_task(check_model(client, model)) for model in pool.models]
    return [report for task in checks for report in task.result()]


async def _urls(model: PoolModel) -> tuple[str, ...]:
    """Returns the base URLs of the replicas; none if only the Kubernetes API knows them.

    Raises:
        OSError: A DNS name cannot be looked up.
    """
    dns = model.replicas.dns
    if dns is None:
        return model.replicas.base_urls
    addresses = sorted(set(await lookup(dns.name)))
    return tuple(base_url(address, dns.port, dns.path) for address in addresses)


async def _findings(endpoint: Endpoint) -> Findings:
    catalogue = await endpoint.catalogue()
    call = await endpoint.call()
    return Findings(
        catalogue=catalogue,
        failure=call.failure,
        timed_out=call.timed_out,
        latency_s=call.duration_s if call.answered else None,
        proposal=await propose(endpoint, call),
    )
