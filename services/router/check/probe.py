"""Asks every endpoint of a pool for its list of models, and for short replies."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.router.backends.call_failure import status_of_exception
from services.router.backends.client import open_wire_client
from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.http.exchange import Exchange
from services.router.backends.replicas.discovery.dns import lookup
from services.router.backends.replicas.discovery.listener import MAX_REPLICAS
from services.router.check.capability_probe import found_capabilities
from services.router.check.proposal import TestCall, propose
from services.router.check.report import (
    EndpointReport,
    Findings,
    endpoint_report,
    unchecked_report,
)
from services.router.pool.endpoints import base_url
from services.router.pool.model import PoolModel
from services.router.pool.request_shape import TokenLimitField
from services.router.types.ledger import CallStatus
from services.router.types.messages import Message, Role
from services.router.types.pieces import Piece

if TYPE_CHECKING:
    from services.router.backends.client import WireClient
    from services.router.backends.dialects.served_models import Catalogue
    from services.router.check.proposal import Changes
    from services.router.pool.pool import Pool
    from services.router.types.options import GenerationOptions

_MAX_TOGETHER = 16
_TEST_PROMPT = (
    Message(role=Role.SYSTEM, content="Be brief."),
    Message(role=Role.USER, content="Say OK."),
)
_TEST_TEMPERATURE = 0.7
"""Sent where the pool file sets none, because `self-moa` sends it."""
_PROBE_LIMIT = 100
"""Token limit of a test call for a capability: room for two calls to a tool."""
_LIMIT_WITH_REASONING = 1024
"""Token limit of a test call whose limit counts the reasoning."""


async def check_pool(
    pool: Pool, *, timeout_s: float, capabilities: bool = False
) -> list[EndpointReport]:
    """Returns a report per endpoint, in the order of the file.

    Args:
        pool: The pool.
        timeout_s: Time for an endpoint's list, and again for each test call.
        capabilities: True to find out by five further calls what each endpoint can do.
    """
    together = asyncio.Semaphore(_MAX_TOGETHER)

    async def check(client: WireClient, model: PoolModel, url: str) -> EndpointReport:
        async with together:
            endpoint = _Endpoint(client=client, model=model, url=url, timeout_s=timeout_s)
            return endpoint_report(model, url, await _findings(endpoint, capabilities))

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


async def _findings(endpoint: _Endpoint, capabilities: bool) -> Findings:  # noqa: FBT001
    catalogue = await endpoint.catalogue()
    call = await endpoint.call()
    able = capabilities and call.answered
    return Findings(
        catalogue=catalogue,
        failure=call.failure,
        timed_out=call.timed_out,
        message=call.exchange.backend_message,
        latency_s=call.duration_s if call.answered else None,
        proposal=await propose(endpoint.model, call, endpoint.call),
        capabilities=await found_capabilities(endpoint.probe) if able else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Endpoint:
    """An endpoint of a model. Each request to it has a time limit."""

    client: WireClient
    model: PoolModel
    url: str
    timeout_s: float

    async def catalogue(self) -> Catalogue | None:
        """Returns the models that the server lists; None if it has no list, which is no problem."""
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self.client.catalogue(self.model, self.url)
        except (AttemptFailedError, TimeoutError):
            return None

    async def call(self, changes: Changes | None = None, *, limit: int = 1) -> TestCall:
        """Asks for a short reply; see `Ask`."""
        model = _test_model(self.model, changes or {}, limit)
        return await self._run(Exchange(model=model, base_url=self.url, messages=_TEST_PROMPT))

    async def probe(self, messages: tuple[Message, ...], options: GenerationOptions) -> TestCall:
        """Asks for a short reply; see `Probe`."""
        model = _test_model(self.model, {}, _PROBE_LIMIT)
        return await self._run(
            Exchange(model=model, base_url=self.url, messages=messages, options=options)
        )

    async def _run(self, exchange: Exchange) -> TestCall:
        started_s = time.monotonic()
        failure, timed_out, pieces = None, False, list[Piece]()
        try:
            async with (
                asyncio.timeout(self.timeout_s),
                aclosing(self.client.stream(exchange)) as stream,
            ):
                async for piece in stream:
                    pieces.append(piece)
        except AttemptFailedError as error:
            failure = error
        except TimeoutError:
            timed_out = True
        except Exception as error:  # noqa: BLE001  # the other endpoints are still checked
            failure = AttemptFailedError(status_of_exception(error, self.model.id))
        return TestCall(
            exchange=exchange,
            failure=failure,
            timed_out=timed_out,
            duration_s=time.monotonic() - started_s,
            pieces=tuple(pieces),
        )


def _test_model(model: PoolModel, changes: Changes, limit: int) -> PoolModel:
    """Returns the model with changes of its request shape, and few tokens in a reply."""
    request = model.request.model_dump(exclude_unset=True) | dict(changes)
    changed = PoolModel.model_validate(model.model_dump(exclude_unset=True) | {"request": request})
    limit_field = changed.shape.token_limit_field
    if limit_field is TokenLimitField.NONE:
        limit = model.max_reply_tokens
    elif limit_field is TokenLimitField.MAX_COMPLETION_TOKENS:
        limit = _LIMIT_WITH_REASONING
    tokens = min(limit, model.max_reply_tokens)
    temperature = _TEST_TEMPERATURE if model.temperature is None else model.temperature
    return changed.model_copy(update={"max_reply_tokens": tokens, "temperature": temperature})
