"""A small API server that knows EndpointSlices: list, watch, bookmarks, and a history that ends."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TOKEN = "token-of-the-pod"
SERVICE_LABEL = "kubernetes.io/service-name"


def endpoint_slice(name: str, service: str, *addresses: str, port: int, **fields: Any) -> Any:
    """Returns an EndpointSlice whose addresses are all ready."""
    return {
        "metadata": {"name": name, "labels": {SERVICE_LABEL: service}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [a], "conditions": {"ready": True}} for a in addresses],
        "ports": [{"name": "http", "port": port}],
        **fields,
    }


class ApiServer:
    """What the server holds, and how it behaves."""

    def __init__(self) -> None:
        self.url = ""
        self.lists = 0
        self.watches = 0
        self.down = False
        self._slices: dict[str, Any] = {}
        self._events: list[tuple[int, bytes]] = []
        self._version = 100
        self._oldest = 0
        self._changed = asyncio.Event()
        self._cut = asyncio.Event()

    def put(self, part: Any) -> None:
        """Creates or replaces a slice."""
        kind = "MODIFIED" if part["metadata"]["name"] in self._slices else "ADDED"
        self._slices[part["metadata"]["name"]] = part
        self._announce(kind, part)

    def delete(self, name: str) -> None:
        """Deletes a slice."""
        self._announce("DELETED", self._slices.pop(name))

    def bookmark(self) -> None:
        """Tells watchers how far they are."""
        self._announce("BOOKMARK", {"metadata": {}})

    def fail(self, code: int, message: str) -> None:
        """Tells watchers that something is wrong."""
        self._announce("ERROR", {"metadata": {}, "code": code, "message": message})

    def forget(self) -> None:
        """Ends every watch and forgets the history, so that nobody can go on where it stopped."""
        self._version += 1
        self._oldest = self._version
        self.cut()

    def cut(self) -> None:
        """Ends every watch."""
        self._cut.set()
        self._cut = asyncio.Event()

    def _announce(self, kind: str, part: Any) -> None:
        self._version += 1
        part["metadata"]["resourceVersion"] = str(self._version)
        event = json.dumps({"type": kind, "object": part}).encode() + b"\n"
        self._events.append((self._version, event))
        self._changed.set()
        self._changed = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answers a list or a watch."""
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"kind": "Status", "code": 401}, status=401)
        if self.down:
            return web.json_response({"kind": "Status", "code": 500}, status=500)
        assert request.query["labelSelector"] == SERVICE_LABEL
        if request.query.get("watch") == "1":
            return await self._watch(request)
        self.lists += 1
        first = int(request.query.get("continue", "0"))
        end = first + int(request.query["limit"])
        items = list(self._slices.values())
        metadata = {"resourceVersion": str(self._version)}
        if end < len(items):
            metadata["continue"] = str(end)
        return web.json_response({"metadata": metadata, "items": items[first:end]})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        self.watches += 1
        seen = int(request.query["resourceVersion"])
        response = web.StreamResponse()
        await response.prepare(request)
        if seen < self._oldest:
            status = {"type": "ERROR", "object": {"kind": "Status", "code": 410}}
            await response.write(json.dumps(status).encode() + b"\n")
            return response
        cut = asyncio.create_task(self._cut.wait())
        try:
            while not cut.done():
                for version, event in list(self._events):
                    if version > seen:
                        await response.write(event)
                seen = max([seen, *(version for version, _ in self._events)])
                changed = asyncio.create_task(self._changed.wait())
                await asyncio.wait({cut, changed}, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
        finally:
            cut.cancel()
        return response


@asynccontextmanager
async def running_api_server() -> AsyncIterator[ApiServer]:
    """Serves on a free port."""
    server = ApiServer()
    application = web.Application()
    path = "/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    application.add_routes([web.get(path, server.answer)])
    runner = web.AppRunner(
        application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        await runner.cleanup()
