"""Asks every endpoint of a pool for its list of models, and for a reply of one token."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import TYPE_CHECKING

from services.router.backends.client import open_wire_client
from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.http.exchange import Exchange
from services.router.backends.replicas.discovery.dns import lookup
from services.router.backends.replicas.discovery.listener import MAX_REPLICAS
from services.router.check.report import (
    EndpointReport,
    Findings,
    endpoint_report,
    unchecked_report,
)
from services.router.pool.endpoints import base_url
from services.router.types.conversation import Message, Role
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from services.router.backends.client import WireClient
    from services.router.backends.dialects.served_models import Catalogue
    from services.router.pool.model import PoolModel
    from services.router.pool.pool import Pool

_MAX_TOGETHER = 16
_TEST_PROMPT = (Message(role=Role.USER, content="Say OK."),)


async def check_pool(pool: Pool, *, timeout_s: float) -> list[EndpointReport]:
    """Returns a report per endpoint, in the order of the file.

    Args:
        pool: The pool.
        timeout_s: Time for an endpoint's list, and again for the test call.
    """
    together = asyncio.Semaphore(_MAX_TOGETHER)

    async def check(client: WireClient, model: PoolModel, url: str) -> EndpointReport:
        async with together:
            return endpoint_report(model, url, await _findings(client, model, url, timeout_s))

    async def check_model(client: WireClient, model: PoolModel) -> list[EndpointReport]:
        try:
            async with asyncio.timeout(timeout_s):
                urls = await _urls(model)
        except (OSError, ValueError):  # `TimeoutError` is one too
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
        OSError, ValueError: A DNS name cannot be looked up.
    """
    dns = model.replicas.dns
    if dns is None:
        return model.replicas.base_urls
    addresses = (await lookup(dns.name))[:MAX_REPLICAS]
    return tuple(base_url(address, dns.port, dns.path) for address in addresses)


async def _findings(client: WireClient, model: PoolModel, url: str, timeout_s: float) -> Findings:
    catalogue = await _catalogue(client, model, url, timeout_s)
    one_token = model.model_copy(update={"max_reply_tokens": 1})
    exchange = Exchange(model=one_token, base_url=url, messages=_TEST_PROMPT)
    started_s = time.monotonic()
    failure, timed_out = None, False
    try:
        async with asyncio.timeout(timeout_s), aclosing(client.stream(exchange)) as texts:
            async for _ in texts:
                pass
    except AttemptFailedError as error:
        failure = error
    except TimeoutError:
        timed_out = True
    whole = failure is None and not timed_out
    return Findings(
        catalogue=catalogue,
        failure=failure,
        timed_out=timed_out,
        latency_s=time.monotonic() - started_s if whole else None,
    )


async def _catalogue(
    client: WireClient, model: PoolModel, url: str, timeout_s: float
) -> Catalogue | None:
    """Returns the models that the server lists; None if it has no list, which is not a problem."""
    try:
        async with asyncio.timeout(timeout_s):
            return await client.catalogue(model, url)
    except (AttemptFailedError, TimeoutError):
        return None
