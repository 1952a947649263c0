"""All services as processes, over two backends, with traces."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import yaml

from services.local.stack import StackConfig, running_stack
from tests.tracing.backend import Backend, running_backend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from services.local.stack import Stack

MODELS = ("gpt-4o-mini-2024-07-18", "Meta-Llama-3.1-70B-Instruct")
"""Two that the scorer knows."""
QUESTION = "What does the word zugzwang mean?"
ANSWERS = ("It is a move that harms.", "A duty to move, to one's disadvantage.")
START_S = 170.0
PARENT = "00f067aa0ba902b7"
"""The span of the caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """What runs, and a client of it."""

    stack: Stack
    backends: tuple[Backend, ...]
    session: aiohttp.ClientSession

    async def ask(self, trace_id: str = "", *, flags: str = "01") -> dict[str, Any]:
        """Returns the reply to a question that its caller traces; without an id, nobody does."""
        headers = {"x-request-id": f"request-{trace_id}"}
        if trace_id:
            headers["traceparent"] = f"00-{trace_id}-{PARENT}-{flags}"
        url = f"http://{self.stack.gateway_address}/v1/chat/completions"
        messages = [{"role": "user", "content": QUESTION}]
        policy = {"strategy": "layers", "max_layer_count": 1, "max_layer_model_count": 2}
        body = {"model": "routemoa", "messages": messages, "routemoa": {"policy": policy}}
        async with self.session.post(url, json=body, headers=headers) as response:
            reply: dict[str, Any] = await response.json()
            assert response.status == 200, reply
            return reply


@asynccontextmanager
async def traced_stack(folder: Path, endpoint: str, **variables: str) -> AsyncIterator[Traced]:
    """Runs the services until the block ends, and then stops them as an operator does.

    Args:
        folder: A folder for the pool file.
        endpoint: Where traces go.
        variables: Further variables of the services.
    """
    async with AsyncExitStack() as stack:
        backends = tuple([await stack.enter_async_context(running_backend(a)) for a in ANSWERS])
        pool = folder / "pool.yaml"
        pool.write_text(yaml.safe_dump({"models": [*map(_model, MODELS, backends)]}))
        variables |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "ROUTEMOA_ROUTER_DEPENDENCY_TIMEOUT_S": "30",
        }
        config = StackConfig(pool_file=pool, environment=variables, start_timeout_s=START_S)
        running = await stack.enter_async_context(running_stack(config))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        traced = Traced(stack=running, backends=backends, session=session)
        # The first answer asks the judge twice: the router learns that the judge reads texts.
        await traced.ask("f" * 32, flags="00")
        for backend in backends:
            backend.headers.clear()
        yield traced


def _model(model_id: str, backend: Backend) -> dict[str, Any]:
    return {
        "id": model_id,
        "url": backend.url,
        "prompt_price_usd_per_million_tokens": 1.0,
        "completion_price_usd_per_million_tokens": 2.0,
        "context_window_tokens": 8000,
    }
