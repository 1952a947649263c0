"""RouteMoA: ranks language models for a query before running any, and lets the best few work together.

- blocking: the client for programs without an event loop.
- calls: timeouts, errors and parts of requests that several calls share.
- channel: the channels to the services.
- client: `RouteMoAClient`, the async client.
- credentials: TLS and tokens.
- errors: the errors that the client raises.
- messages: makes messages, media and tools.
- ranking_stream: a stream of queries to a stream of rankings.
- rpc_status: the errors on the wire.
- streamed_answer: collects the answer of a stream.
- cli: the command line, with the extra `cli`.
- v1: the generated messages and stubs of the contract.
"""

from __future__ import annotations

from routemoa.client import RouteMoAClient
from routemoa.errors import RouteMoAError, TransportError
from routemoa.streamed_answer import StreamedAnswer

__all__ = ["RouteMoAClient", "RouteMoAError", "StreamedAnswer", "TransportError"]
