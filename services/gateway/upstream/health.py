"""Health for load balancers and orchestrators."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from services.gateway.upstream.router_client import RouterClient

FRESH_S = 1.0
"""Age up to which the router's health is not asked for again."""


class Health:
    """Liveness and readiness of the gateway."""

    def __init__(self, router: RouterClient) -> None:
        self._router = router
        self._router_serves = False
        self._asked_s = -FRESH_S
        self._draining = False

    def drain(self) -> None:
        """Reports from now on that the gateway is not ready."""
        self._draining = True

    async def live(self, request: Request) -> Response:
        """Answers that the process works."""
        del request
        return JSONResponse({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """Answers whether requests for answers are taken."""
        del request
        if self._draining:
            return JSONResponse({"status": "draining"}, 503)
        if time.monotonic() - self._asked_s >= FRESH_S:
            self._router_serves = await self._router.serves()
            self._asked_s = time.monotonic()
        if not self._router_serves:
            return JSONResponse({"status": "the router does not serve"}, 503)
        return JSONResponse({"status": "ok"})
