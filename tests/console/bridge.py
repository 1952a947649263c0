"""The console's endpoints over a router, served on loopback."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc.aio
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from routemoa.v1 import router_service_pb2 as pb
from routemoa.v1.router_service_pb2_grpc import RouterServiceStub
from services.gateway.api import ApiError, ErrorKind
from services.gateway.console.console_api import ConsoleApi
from services.gateway.console.page_files import serve_page
from services.gateway.console.pool_view import pool_view

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send


class _Raw:
    def __init__(self, run: Any) -> None:
        self._run = run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._run(scope, receive, send)


def _metadata(headers: Any) -> tuple[tuple[str, str], ...]:
    token = headers.get("authorization")
    return (("authorization", token),) if token else ()


def _error(error: grpc.aio.AioRpcError) -> ApiError:
    kinds = {grpc.StatusCode.UNAUTHENTICATED: ErrorKind.AUTHENTICATION}
    return ApiError(kinds.get(error.code(), ErrorKind.BACKEND), error.details() or "")


@asynccontextmanager
async def gateway(router: str) -> AsyncIterator[str]:
    api = ConsoleApi()
    async with grpc.aio.insecure_channel(router) as channel:
        stub = RouterServiceStub(channel)

        async def ask(scope: Scope, receive: Receive, send: Send) -> None:
            body, more = b"", True
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message.get("more_body", False)
            headers = {n.decode(): v.decode() for n, v in scope["headers"]}
            call_ = api.read(json.loads(body), headers)
            writer = api.writer(call_)
            call = stub.StreamAnswer(call_.request, metadata=_metadata(headers))

            async def watch() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                call.cancel()

            watcher = asyncio.create_task(watch())
            started = False

            async def start(status: int) -> None:
                nonlocal started
                started = True
                await send({"type": "http.response.start", "status": status, "headers": []})

            try:
                async for event in call:
                    if not started:
                        await start(200)
                    part = {
                        "type": "http.response.body",
                        "body": writer.event(event),
                        "more_body": True,
                    }
                    await send(part)
                await send({"type": "http.response.body", "body": b""})
            except grpc.aio.AioRpcError as error:
                status, content = api.error(_error(error), "request-1")
                if not started:
                    await start(status)
                    await send({"type": "http.response.body", "body": json.dumps(content).encode()})
                else:
                    await send(
                        {
                            "type": "http.response.body",
                            "body": writer.fail(_error(error), "request-1"),
                        }
                    )
            except asyncio.CancelledError:
                pass
            finally:
                watcher.cancel()

        async def pool(request: Request) -> JSONResponse:
            metadata = _metadata(request.headers)
            try:
                info = await stub.GetRouterInfo(pb.GetRouterInfoRequest(), metadata=metadata)
                models = await stub.ListModels(pb.ListModelsRequest(), metadata=metadata)
            except grpc.aio.AioRpcError as error:
                status, content = api.error(_error(error), "request-1")
                return JSONResponse(content, status)
            return JSONResponse(pool_view(models.models, info, {}))

        routes = [
            Route("/console/ask", _Raw(ask), methods=["POST"]),
            Route("/console/pool", pool),
            Route("/", _Raw(serve_page)),
            Route("/console/{file}", _Raw(serve_page)),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes), port=0, log_level="error", lifespan="off", ws="none"
        )
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            server.force_exit = True
            await task
