"""The interface of an HTTP API: its requests -> calls to the router, events -> its replies."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from routemoa.v1 import router_service_pb2 as pb


class ErrorKind(enum.Enum):
    """The kind of an error; each API has its own code and HTTP status for it."""

    INVALID_REQUEST = "invalid_request"
    AUTHENTICATION = "authentication"
    PERMISSION = "permission"
    NOT_FOUND = "not_found"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    QUOTA = "quota"
    TIMEOUT = "timeout"
    OVERLOADED = "overloaded"
    BACKEND = "backend"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with a request."""

    field: str
    """Path of the field in the body, e.g. `messages[0].content`; empty if it is none."""
    description: str


class ApiError(Exception):
    """Raised for a call that fails; the API puts it in its own form."""

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        problems: Sequence[Problem] = (),
        code: str = "",
        retry_after_s: float | None = None,
        retryable: bool = False,
    ) -> None:
        """Takes what happened, for a person and for a program.

        Args:
            kind: Its kind.
            message: What happened. Never holds a secret, a prompt or an answer.
            problems: Everything that is wrong with the request.
            code: The name of the `ErrorReason`, or the API's own code; empty if there is none.
            retry_after_s: The time after which another try is worth it, if one is known.
            retryable: True if another try costs nothing twice and may succeed.
        """
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.problems = tuple(problems)
        self.code = code
        self.retry_after_s = retry_after_s
        self.retryable = retryable


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to the router, and what its reply must repeat."""

    request: pb.StreamAnswerRequest
    model: str
    """The name of the model, as the caller gave it."""
    reply_id: str
    """The id of the reply, e.g. `chatcmpl-...`."""
    created_s: int
    """The time of the request, in seconds since 1970."""
    stream: bool
    """True if the caller wants events."""
    include_usage: bool = False
    """True if the stream ends with the usage (chat completions)."""
    body: Mapping[str, Any] = field(default_factory=dict)
    """The request, parsed, for APIs whose replies repeat parts of it."""
    routing: list[pb.RoutingDecision] = field(default_factory=list)
    """The decisions of the layers so far; filled while the call runs."""
    layers: list[pb.LayerReport] = field(default_factory=list)
    """The layers so far; filled while the call runs, since a stream's result may leave them out."""


class EventWriter(Protocol):
    """Writes the events of one streamed reply. Each method returns bytes to send; they may be empty."""

    def begin(self) -> bytes:
        """Returns what is sent before the first event of the router."""
        ...

    def event(self, event: pb.StreamAnswerResponse) -> bytes:
        """Returns what is sent for an event of the router; the last one is its result.

        What `begin` returned is sent before the first bytes that are not empty. Until then, a failure
        is answered with its own HTTP status.

        Raises:
            ApiError: The stream must end, e.g. since the API cannot take back what was sent.
        """
        ...

    def keep_alive(self) -> bytes:
        """Returns what is sent while nothing happens."""
        ...

    def fail(self, error: ApiError, request_id: str) -> bytes:
        """Returns the end of a stream that failed after it had begun."""
        ...


class Api(Protocol):
    """One HTTP API. It holds no state; its event writers do."""

    def read(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> Call:
        """Returns the call in a request.

        The name of the model is looked up later, and sets the strategy, the preset or the model of the
        policy. `services.gateway.extension` reads what RouteMoA adds to every API.

        Args:
            body: The body, parsed from JSON.
            headers: The headers, by their names in lower case.

        Raises:
            ApiError: The request is wrong; it names all problems at once.
        """
        ...

    def reply(self, call: Call, result: pb.GenerateAnswerResponse) -> dict[str, Any]:
        """Returns the body of a reply that is not streamed."""
        ...

    def writer(self, call: Call) -> EventWriter:
        """Returns the writer of a streamed reply."""
        ...

    def error(self, error: ApiError, request_id: str) -> tuple[int, dict[str, Any]]:
        """Returns the HTTP status and the body of an error."""
        ...
