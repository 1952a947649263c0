"""The interface of a dialect: builds requests to a backend and reads its replies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pydantic_core import PydanticSerializationError, to_json

from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.backends.dialects.served_models import Catalogue
    from services.router.backends.http.exchange import Exchange
    from services.router.backends.http.reader import Reader
    from services.router.pool.model import PoolModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A POST request."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class Dialect(Protocol):
    """One kind of backend. A dialect holds no state; its readers do."""

    def request(self, exchange: Exchange) -> Request:
        """Returns the request for an exchange.

        Raises:
            AttemptFailedError: The backend has no form for a part of it.
        """
        ...

    def reader(self, exchange: Exchange) -> Reader:
        """Returns a reader of the reply."""
        ...

    def catalogue_url(self, base_url: str) -> str:
        """Returns the URL of the server's list of models."""
        ...

    def catalogue(self, value: object) -> Catalogue:
        """Reads that list, parsed from JSON.

        Raises:
            AttemptFailedError: The list is not in this dialect.
        """
        ...


def request_headers(model: PoolModel, accept: str) -> dict[str, str]:
    """Returns the headers of every dialect."""
    headers = {
        **model.shape.extra_headers,
        "Content-Type": "application/json",
        "Accept": accept,
    }
    key = model.api_key()
    if key is not None:
        headers["Authorization"] = f"Bearer {key.get_secret_value()}"
    return headers


def body(payload: Mapping[str, Any], model: PoolModel) -> bytes:
    """Returns the body of a request: the payload, and the further fields of the pool file."""
    filled = _filled_up(payload, model.shape.extra_body)
    try:
        return to_json(filled)
    except PydanticSerializationError:  # half of a surrogate pair, in a schema for example
        return json.dumps(filled).encode()


def _filled_up(payload: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the payload with further fields, also within its objects; its own values stay."""
    filled = dict(payload)
    for name, value in extra.items():
        own = payload.get(name)
        if isinstance(own, dict) and isinstance(value, dict):
            filled[name] = _filled_up(own, value)
        else:
            filled.setdefault(name, value)
    return filled


def reply_tokens(exchange: Exchange) -> int:
    """Returns the token limit of the reply, less the tokens of a started answer."""
    model, wanted = exchange.model, exchange.options.max_output_tokens
    limit = min(model.max_reply_tokens, wanted or model.max_reply_tokens)
    if not exchange.partial:
        return limit
    left = limit - model.count_tokens(exchange.partial)
    # The count may be an estimate on the high side: keep enough tokens to end the answer.
    return max(left, limit // 4 if wanted is None else 1, 1)


def no_form_for(subject: str) -> AttemptFailedError:
    """Returns the failure of a request with a part that the backend cannot be sent."""
    return AttemptFailedError(CallStatus.REJECTED, words=f"this backend does not take {subject}")
