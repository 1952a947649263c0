"""The HTTP server: model API, faults and call log, inside the caller's event loop."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING

from aiohttp import web

from services.simulator.chat.handler import CompletionHandler, error_response
from services.simulator.chat.prefix_cache import PrefixCache
from services.simulator.fault import FaultKind
from services.simulator.state import SimulatorState
from services.simulator.stream import Pacing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from services.simulator.call import AnswerSource
    from services.simulator.call_log import CallOutcome, CallRecord

_MAX_REQUEST_BYTES = 32 * 1024 * 1024
# No drain: a hanging call would delay the end.
_SHUTDOWN_S = 0.1


class Simulator:
    """A running simulator, for the code that started it."""

    def __init__(self, state: SimulatorState, origin: str) -> None:
        self._state = state
        self.origin = origin
        """Base URL of the control endpoints, e.g. ``http://127.0.0.1:8000``."""
        self.url = f"{origin}/v1"
        """The base URL of the OpenAI-compatible API, as a pool file names it."""

    @property
    def calls(self) -> tuple[CallRecord, ...]:
        """The calls so far, oldest first."""
        return self._state.log.records

    def clear_calls(self) -> None:
        """Deletes the calls so far."""
        self._state.log.clear()

    def set_fault(self, model: str, kind: FaultKind, *, share: float = 1.0) -> None:
        """Makes a share of a model's calls fail, from its next one on.

        Raises:
            ValueError: The simulator has no such model, or the share is not in [0, 1].
        """
        self._state.set_fault(model, kind, share=share)

    def clear_fault(self, model: str) -> None:
        """Makes a model work again."""
        self._state.clear_fault(model)

    async def wait_for_calls(
        self, condition: Callable[[Sequence[CallRecord]], bool], *, timeout_s: float = 60.0
    ) -> tuple[CallRecord, ...]:
        """Returns the calls as soon as they meet ``condition``.

        Raises:
            TimeoutError: They do not within ``timeout_s`` seconds.
        """
        return await self._state.log.wait_until(condition, timeout_s=timeout_s)

    async def wait_for_outcome(
        self, model: str, outcome: CallOutcome, *, timeout_s: float = 60.0
    ) -> CallRecord:
        """Waits for a call to ``model`` with this outcome and returns the first.

        Raises:
            TimeoutError: There is none within ``timeout_s`` seconds.
        """

        def matching(records: Sequence[CallRecord]) -> list[CallRecord]:
            return [r for r in records if r.model == model and r.outcome is outcome]

        records = await self.wait_for_calls(lambda r: bool(matching(r)), timeout_s=timeout_s)
        return matching(records)[0]


@contextlib.asynccontextmanager
async def running_simulator(
    source: AnswerSource,
    *,
    pacing: Pacing | None = None,
    prefix_cache_tokens: int = 0,
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncIterator[Simulator]:
    """Serves ``source`` until the block ends.

    Args:
        source: Gives the replies.
        pacing: The speed; without it, everything comes at once.
        prefix_cache_tokens: Tokens of prompts that the server remembers; 0: it has no cache.
        host: The address to listen on.
        port: The port; 0 takes a free one.
    """
    cache = PrefixCache(prefix_cache_tokens) if prefix_cache_tokens else None
    state = SimulatorState(source, pacing or Pacing(), cache)
    runner = web.AppRunner(
        _application(state),
        access_log=None,
        # Otherwise a call goes on after its caller has left, and is not logged as cancelled.
        handler_cancellation=True,
        shutdown_timeout=_SHUTDOWN_S,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound_port = runner.addresses[0][1]
        yield Simulator(state, f"http://{host}:{bound_port}")
    finally:
        await runner.cleanup()


def _application(state: SimulatorState) -> web.Application:
    application = web.Application(client_max_size=_MAX_REQUEST_BYTES)
    control = _ControlHandler(state)
    application.add_routes(
        [
            web.post("/v1/chat/completions", CompletionHandler(state).handle),
            web.get("/v1/models", control.list_models),
            web.get("/health", control.report_health),
            web.put("/faults/{model:.+}", control.put_fault),
            web.delete("/faults/{model:.+}", control.delete_fault),
            web.get("/calls", control.list_calls),
            web.delete("/calls", control.delete_calls),
        ]
    )
    application.on_response_prepare.append(_label)
    return application


async def _label(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["x-routemoa-simulated"] = "true"


class _ControlHandler:
    """Endpoints for tests and operators: models, health, faults and the call log."""

    def __init__(self, state: SimulatorState) -> None:
        self._state = state

    async def list_models(self, _request: web.Request) -> web.Response:
        """Lists the models in OpenAI's form."""
        models = [
            {"id": model, "object": "model", "created": 0, "owned_by": "simulated"}
            for model in sorted(self._state.models)
        ]
        return web.json_response({"object": "list", "data": models})

    async def report_health(self, _request: web.Request) -> web.Response:
        """Reports that the server is up."""
        return web.json_response({"status": "ok"})

    async def put_fault(self, request: web.Request) -> web.Response:
        """Switches a fault on: the body is ``{"kind": "hang"}``, with a ``share`` of calls or not."""
        model = request.match_info["model"]
        try:
            body = await request.json()
            kind, share = FaultKind(body["kind"]), float(body.get("share", 1))
        except (KeyError, TypeError, ValueError):
            kinds = ", ".join(FaultKind)
            return error_response(
                400, "invalid_fault", f'the body must be {{"kind": one of {kinds}}}'
            )
        try:
            self._state.set_fault(model, kind, share=share)
        except ValueError as error:
            return error_response(404, "model_not_found", str(error))
        return web.json_response({"model": model, "kind": kind})

    async def delete_fault(self, request: web.Request) -> web.Response:
        """Switches a model's fault off."""
        self._state.clear_fault(request.match_info["model"])
        return web.Response(status=204)

    async def list_calls(self, _request: web.Request) -> web.Response:
        """Lists the calls so far, oldest first."""
        return web.json_response([dataclasses.asdict(record) for record in self._state.log.records])

    async def delete_calls(self, _request: web.Request) -> web.Response:
        """Deletes the calls so far."""
        self._state.log.clear()
        return web.Response(status=204)
