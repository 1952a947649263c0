"""Timeouts, errors and parts of requests that several calls share."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import grpc
import grpc.aio

from routemoa.channel import SERVICE_CONFIG
from routemoa.errors import TransportError
from routemoa.rpc_status import from_rpc_error
from routemoa.v1 import model_pb2
from routemoa.v1 import router_service_pb2 as router_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from google.protobuf.message import Message

    Conversation = str | Sequence[model_pb2.Message]

_TIMEOUTS_S = {
    f"{name['method']}Request": float(config["timeout"].removesuffix("s"))
    for config in json.loads(SERVICE_CONFIG)["methodConfig"]
    for name in config["name"]
}
"""By request type. gRPC itself keeps to these timeouts, but does not tell the service of them."""


def timeout_of(request: Message, timeout_s: float | None) -> float | None:
    """Returns the shorter of the caller's timeout and that of the service config."""
    given_s = (timeout_s, _TIMEOUTS_S.get(type(request).__name__))
    return min((given for given in given_s if given is not None), default=None)


def messages_of(conversation: Conversation) -> Sequence[model_pb2.Message]:
    """Returns the messages of a conversation; a query is one message."""
    if isinstance(conversation, str):
        return [model_pb2.Message(role=model_pb2.ROLE_USER, content=conversation)]
    return conversation


def view_of(*, full_ranking: bool) -> router_pb2.RankingView.ValueType:
    """Returns the view of a ranking."""
    return router_pb2.RANKING_VIEW_FULL if full_ranking else router_pb2.RANKING_VIEW_UNSPECIFIED


@contextmanager
def typed_errors(where: str) -> Iterator[None]:
    """Raises gRPC's errors as `RouteMoAError`s; `where` describes the address."""
    try:
        yield
    except grpc.aio.AioRpcError as rpc_error:
        error = from_rpc_error(rpc_error)
        if isinstance(error, TransportError) and error.code is grpc.StatusCode.UNAVAILABLE:
            error = TransportError(error.code, f"{where}: {error.message}")
        raise error from rpc_error
