"""`GET /v1/models`, which OpenAI's and Anthropic's clients both read."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from routemoa.v1 import model_pb2
from services.gateway.api import ApiError
from services.gateway.caller import metadata_of
from services.gateway.chat.chat_errors import error_body
from services.gateway.http.error_headers import error_headers
from services.gateway.http.exchange import Exchange
from services.gateway.models import MIXTURE, unknown_model
from services.gateway.report import seconds

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from services.gateway.models import Catalogue, ModelNames


class ModelList:
    """The ASGI endpoint of the list, and of each model in it."""

    def __init__(self, names: ModelNames) -> None:
        self._names = names
        self._started_s = int(time.time())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        exchange = Exchange(scope, receive, send)
        try:
            catalogue = await self._names.catalogue(metadata_of(exchange))
            model_id = scope["path_params"].get("model_id")
            body = self._list(catalogue) if model_id is None else self._one(catalogue, model_id)
        except ApiError as error:
            status, body = error_body(error, exchange.request_id)
            await exchange.send_json(status, body, error_headers(error, status))
        else:
            await exchange.send_json(200, body, {})

    def _list(self, catalogue: Catalogue) -> dict[str, Any]:
        models = [self._model(catalogue, name) for name in catalogue.names()]
        return {
            "object": "list",
            "data": models,
            "has_more": False,
            "first_id": models[0]["id"],
            "last_id": models[-1]["id"],
        }

    def _one(self, catalogue: Catalogue, name: str) -> dict[str, Any]:
        if name not in catalogue.names():
            raise unknown_model(name)
        return self._model(catalogue, name)

    def _model(self, catalogue: Catalogue, name: str) -> dict[str, Any]:
        created = datetime.fromtimestamp(self._started_s, UTC)
        model = catalogue.models.get(name)
        mixture = name == MIXTURE or name.startswith(f"{MIXTURE}/")
        return {
            "id": name,
            "object": "model",
            "created": self._started_s,
            "owned_by": "routemoa" if mixture or model is None else "pool",
            "type": "model",
            "display_name": name,
            "created_at": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "routemoa": {} if model is None else _facts(model),
        }


def _facts(model: model_pb2.Model) -> dict[str, Any]:
    """Returns what the pool says of a model."""
    return {
        "prompt_price_usd_per_million_tokens": model.prompt_price_usd_per_million_tokens,
        "completion_price_usd_per_million_tokens": model.completion_price_usd_per_million_tokens,
        "context_window_tokens": model.context_window_token_count,
        "median_latency_s": seconds(model.median_latency),
        "capabilities": [
            model_pb2.Capability.Name(item).removeprefix("CAPABILITY_").lower()
            for item in model.capabilities
        ],
    }
