"""What a dialect is: how a backend is asked, and how its reply is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.wire.exchange import Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A POST request."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class Reader(Protocol):
    """Reads one reply."""

    finished: bool
    """Whether the backend said why the reply ends."""
    done: bool
    """Whether the backend said that nothing follows."""

    def read(self, data: bytes) -> str:
        """Returns the text in a piece of the stream, and notes in the exchange what else it says.

        Raises:
            AttemptFailedError: The backend reports a failure, or is no such backend.
        """
        ...


class Dialect(Protocol):
    """One kind of backend. It holds no state: readers do."""

    continues: bool
    """Whether the backend can go on from the start of an answer."""

    def request(self, exchange: Exchange) -> Request:
        """Returns what is sent."""
        ...

    def reader(self, exchange: Exchange) -> Reader:
        """Returns a reader of the reply."""
        ...
