"""What a dialect is: how a backend is asked, and how its reply is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.backends.dialects.served_models import Catalogue
    from services.router.backends.http.exchange import Exchange
    from services.router.backends.http.reader import Reader
    from services.router.pool.pool import PoolModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A POST request."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class Dialect(Protocol):
    """One kind of backend. It holds no state: readers do."""

    @property
    def continues(self) -> bool:
        """Whether the backend can go on from the start of an answer (`Exchange.partial`)."""
        ...

    def request(self, exchange: Exchange) -> Request:
        """Returns what is sent."""
        ...

    def reader(self, exchange: Exchange) -> Reader:
        """Returns a reader of the reply."""
        ...

    def catalogue_url(self, base_url: str) -> str:
        """Returns where the server says what it serves."""
        ...

    def catalogue(self, value: object) -> Catalogue:
        """Reads what the server says there, parsed from JSON.

        Raises:
            AttemptFailedError: It is none of this kind of backend.
        """
        ...


def request_headers(model: PoolModel, accept: str) -> dict[str, str]:
    """Returns the headers that every dialect sends."""
    headers = {"Content-Type": "application/json", "Accept": accept}
    key = model.api_key()
    if key is not None:
        headers["Authorization"] = f"Bearer {key.get_secret_value()}"
    return headers


def chat_messages(exchange: Exchange) -> list[dict[str, Any]]:
    """Returns the messages, and the start of the answer as the assistant's if there is one."""
    messages = [{"role": m.role.value, "content": m.content} for m in exchange.messages]
    if exchange.partial:
        messages.append({"role": "assistant", "content": exchange.partial})
    return messages


def reply_tokens(exchange: Exchange) -> int:
    """Returns the most tokens that may be written: what the start of the answer took is used up."""
    model = exchange.model
    if not exchange.partial:
        return model.max_reply_tokens
    # The count may be an estimate, which is rather too high: enough stays to end the answer.
    left = model.max_reply_tokens - model.count_tokens(exchange.partial)
    return max(left, model.max_reply_tokens // 4, 1)
