"""Kubernetes discovery: lists the EndpointSlices of a namespace, then watches them, for all its models.

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
_SLICES_PER_PAGE = "100"
_SERVICE_LABEL = "kubernetes.io/service-name"
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
    labels: dict[str, str] = Field(default_factory=dict)
    next_page: str | None = Field(default=None, alias="continue")


class Slice(BaseModel):
    """The fields of an EndpointSlice that hold the addresses of replicas."""

    metadata: _Metadata
    addressType: str = "IPv4"  # noqa: N815
    endpoints: list[_Endpoint] | None = None
    ports: list[_Port] | None = None

    @property
    def service(self) -> str:
        """The Service that it belongs to; empty if it belongs to none."""
        return self.metadata.labels.get(_SERVICE_LABEL, "")


class _SliceList(BaseModel):
    metadata: _Metadata
    items: list[Slice]


class _WatchEvent(BaseModel):
    type: str
    object: dict[str, Any]


SlicesByService = dict[str, dict[str, Slice]]
"""Slices by Service and name."""


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


class NamespaceWatch:
    """Reports the replicas of Services of one namespace, by one watch for all of them.

    Args:
        namespace: The namespace.
        session: HTTP session for the API server.
        api_server: Finds the API server; raises `OSError` outside a cluster.
    """

    def __init__(
        self,
        namespace: str,
        session: aiohttp.ClientSession,
        api_server: Callable[[], ApiServer],
    ) -> None:
        self._namespace = namespace
        self._session = session
        self._api_server = api_server
        self._wanted: dict[Listener, EndpointSlices] = {}
        self._slices: SlicesByService | None = None
        """The slices of each Service; None before the first list."""

    def add(self, listener: Listener, wanted: EndpointSlices) -> None:
        """Reports the replicas of a Service from now on."""
        self._wanted[listener] = wanted
        if self._slices is not None:
            self._report(listener, self._slices)

    def remove(self, listener: Listener) -> bool:
        """Stops reporting to a listener; returns whether others are left."""
        del self._wanted[listener]
        return bool(self._wanted)

    async def follow(self) -> None:
        """Reports the replicas now and at every change, until cancelled."""
        failures = 0
        while True:
            try:
                api = _SliceApi(self._session, self._api_server(), self._namespace)
                async for changed in api.follow():
                    self._slices = api.slices
                    for listener, wanted in list(self._wanted.items()):
                        if changed is None or wanted.service == changed:
                            self._report(listener, api.slices)
                    failures = 0
            except Exception as error:  # noqa: BLE001  # whatever goes wrong concerns these models only
                failures += 1
                if isinstance(error, _StaleError) and failures == 1:
                    continue
                for listener in list(self._wanted):
                    listener.failed(error)
                pause_s = min(_MAX_PAUSE_S, 0.5 * 2.0 ** min(failures, 10))
                await asyncio.sleep(pause_s * random.random())  # noqa: S311  # jitter

    def _report(self, listener: Listener, slices: SlicesByService) -> None:
        wanted = self._wanted[listener]
        listener.found(urls_of(slices.get(wanted.service, {}).values(), wanted))


class _SliceApi:
    """Reads the EndpointSlices of one namespace."""

    def __init__(self, session: aiohttp.ClientSession, server: ApiServer, namespace: str) -> None:
        self._session = session
        self._server = server
        self._url = f"{server.url}/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        self._tls = server.tls()
        self._version = ""
        self.slices: SlicesByService = {}

    async def follow(self) -> AsyncGenerator[str | None, None]:
        """Yields the Service of every slice that has changed; None if any of them may have.

        Raises:
            aiohttp.ClientError, OSError, ValueError: The API server cannot be reached.
            _StaleError: The slices must be listed again.
        """
        await self._list()
        yield None
        while True:
            async with self._get(
                watch="1",
                resourceVersion=self._version,
                allowWatchBookmarks="true",
                timeoutSeconds=str(_WATCH_S),
            ) as response:
                while line := await response.content.readline():
                    service = self._take(line)
                    if service is not None:
                        yield service

    async def _list(self) -> None:
        page: str | None = ""
        while page is not None:
            query = {"continue": page} if page else {}
            async with self._get(limit=_SLICES_PER_PAGE, **query) as response:
                found = _SliceList.model_validate_json(await response.read())
            for part in found.items:
                self.slices.setdefault(part.service, {})[part.metadata.name] = part
            self._version = found.metadata.resourceVersion
            page = found.metadata.next_page or None

    def _take(self, line: bytes) -> str | None:
        """Applies an event of a watch; returns the Service whose slice has changed, if one has."""
        event = _WatchEvent.model_validate(json.loads(line))
        if event.type == "ERROR":
            if event.object.get("code") == _GONE:
                raise _StaleError
            raise OSError(f"the watch ended: {event.object.get('message', 'no reason given')}")
        part = Slice.model_validate(event.object)
        self._version = part.metadata.resourceVersion or self._version
        match event.type:
            case "ADDED" | "MODIFIED":
                self.slices.setdefault(part.service, {})[part.metadata.name] = part
            case "DELETED":
                self.slices.get(part.service, {}).pop(part.metadata.name, None)
            case _:
                return None
        return part.service

    def _get(self, **query: str) -> Any:
        return self._session.get(
            self._url,
            params={"labelSelector": _SERVICE_LABEL, **query},
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
