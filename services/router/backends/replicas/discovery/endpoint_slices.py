"""Kubernetes discovery: lists the EndpointSlices of a Service, then watches them.

list -> replicas -> watch from that version -> event -> replicas ... A watch that ends normally is
continued from its last version. After a failure, or once the version has expired, it lists again.
"""

from __future__ import annotations

import asyncio
import json
import random
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import aiohttp
from pydantic import BaseModel, Field

from services.router.pool.endpoints import base_url

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from services.router.backends.replicas.discovery.kubernetes import ApiServer
    from services.router.backends.replicas.discovery.listener import Listener
    from services.router.pool.endpoints import EndpointSlices

_WATCH_S = 240
_READ_TIMEOUT_S = 300.0
"""Longer than a watch, so that the API server ends a watch before this timeout does."""
_MAX_EVENT_BYTES = 4 * 1024 * 1024
_GONE = 410
_MAX_PAUSE_S = 30.0


class _Conditions(BaseModel):
    ready: bool | None = None


class _Endpoint(BaseModel):
    addresses: list[str] = Field(min_length=1)
    conditions: _Conditions | None = None


class _Port(BaseModel):
    name: str | None = None
    port: int | None = Field(default=None, ge=1, le=65535)


class _Metadata(BaseModel):
    name: str = ""
    resourceVersion: str = ""  # noqa: N815  # Kubernetes spells it so


class Slice(BaseModel):
    """The fields of an EndpointSlice that hold the addresses of replicas."""

    metadata: _Metadata
    addressType: str = "IPv4"  # noqa: N815
    endpoints: list[_Endpoint] | None = None
    ports: list[_Port] | None = None


class _SliceList(BaseModel):
    metadata: _Metadata
    items: list[Slice]


class _WatchEvent(BaseModel):
    type: str
    object: dict[str, Any]


class _StaleError(Exception):
    """The resource version has expired; the slices must be listed again."""


def urls_of(slices: Iterable[Slice], wanted: EndpointSlices) -> list[str]:
    """Returns the sorted base URLs of the ready endpoints that have the port."""
    urls = set()
    for part in slices:
        ports = [
            port.port
            for port in part.ports or ()
            if port.port is not None and wanted.port in {port.port, port.name}
        ]
        if part.addressType == "FQDN" or not ports:
            continue
        for endpoint in part.endpoints or ():
            # The API counts unknown as ready. Each endpoint is one pod, so one address is enough.
            ready = endpoint.conditions is None or endpoint.conditions.ready is not False
            if ready and _is_address(endpoint.addresses[0]):
                urls.add(base_url(endpoint.addresses[0], ports[0], wanted.path))
    return sorted(urls)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text


async def follow_slices(
    wanted: EndpointSlices,
    listener: Listener,
    session: aiohttp.ClientSession,
    api_server: Callable[[], ApiServer],
) -> None:
    """Reports the replicas of a Service now and at every change, until cancelled."""
    failures = 0
    while True:
        try:
            api = _SliceApi(session, api_server(), wanted)
            async for slices in api.follow():
                listener.found(urls_of(slices, wanted))
                failures = 0
        except Exception as error:  # noqa: BLE001  # whatever goes wrong concerns this model only
            failures += 1
            if isinstance(error, _StaleError) and failures == 1:
                continue
            listener.failed(error)
            pause_s = min(_MAX_PAUSE_S, 0.5 * 2.0 ** min(failures, 10))
            await asyncio.sleep(pause_s * random.random())  # noqa: S311  # jitter


class _SliceApi:
    """Reads the EndpointSlices of one Service."""

    def __init__(
        self, session: aiohttp.ClientSession, server: ApiServer, wanted: EndpointSlices
    ) -> None:
        self._session = session
        self._server = server
        self._url = (
            f"{server.url}/apis/discovery.k8s.io/v1/namespaces/{wanted.namespace}/endpointslices"
        )
        self._selector = {"labelSelector": f"kubernetes.io/service-name={wanted.service}"}
        self._tls = server.tls()
        self._slices: dict[str, Slice] = {}
        self._version = ""

    async def follow(self) -> AsyncGenerator[list[Slice], None]:
        """Yields all slices whenever one has changed.

        Raises:
            aiohttp.ClientError, OSError, ValueError: The API server cannot be reached.
            _StaleError: The slices must be listed again.
        """
        await self._list()
        yield list(self._slices.values())
        while True:
            async with self._get(
                watch="1",
                resourceVersion=self._version,
                allowWatchBookmarks="true",
                timeoutSeconds=str(_WATCH_S),
            ) as response:
                while line := await response.content.readline():
                    if self._take(line):
                        yield list(self._slices.values())

    async def _list(self) -> None:
        async with self._get() as response:
            whole = _SliceList.model_validate_json(await response.read())
        self._slices = {part.metadata.name: part for part in whole.items}
        self._version = whole.metadata.resourceVersion

    def _take(self, line: bytes) -> bool:
        """Applies an event of a watch; returns whether a slice has changed."""
        event = _WatchEvent.model_validate(json.loads(line))
        if event.type == "ERROR":
            if event.object.get("code") == _GONE:
                raise _StaleError
            raise OSError(f"the watch ended: {event.object.get('message', 'no reason given')}")
        part = Slice.model_validate(event.object)
        self._version = part.metadata.resourceVersion or self._version
        match event.type:
            case "ADDED" | "MODIFIED":
                self._slices[part.metadata.name] = part
            case "DELETED":
                self._slices.pop(part.metadata.name, None)
            case _:
                return False
        return True

    def _get(self, **query: str) -> Any:
        return self._session.get(
            self._url,
            params=self._selector | query,
            headers=self._server.headers(),
            ssl=self._tls,
            raise_for_status=_raise_for_status,
            read_bufsize=_MAX_EVENT_BYTES,
            timeout=aiohttp.ClientTimeout(total=None, sock_read=_READ_TIMEOUT_S),
        )


async def _raise_for_status(response: aiohttp.ClientResponse) -> None:
    if response.status == _GONE:
        raise _StaleError
    response.raise_for_status()
