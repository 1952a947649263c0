"""Outbound channels, with keepalive, the service config of all clients, and TLS."""

from __future__ import annotations

import json
import os
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Self

import grpc.aio

from services.rpc.credentials import channel_credentials

if TYPE_CHECKING:
    from services.rpc.tls import Pem

_OPTIONS: tuple[tuple[str, int | str], ...] = (
    # A proxy of the environment is for the internet: it does not reach loopback or a cluster's names.
    ("grpc.enable_http_proxy", 0),
    # A result holds the answers of several models; the clients take as much.
    ("grpc.max_receive_message_length", 32 * 1024 * 1024),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # Reconnects soon to a dependency that restarts; the default waits up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # Least time between DNS lookups of a name, after a server closed a connection. All pods of a
    # Deployment may be replaced within less than the default of 30 s.
    ("grpc.dns_min_time_between_resolutions_ms", 2_000),
)


_HASH_SWITCH = "GRPC_EXPERIMENTAL_RING_HASH_SET_REQUEST_HASH_KEY"
"""Lets gRPC read the header to hash by (gRFC A76), which is off by default in gRPC 1.85."""
os.environ.setdefault(_HASH_SWITCH, "true")


def _hashed(header: str) -> dict[str, Any]:
    """Returns the part of a service config that hashes calls by a header."""
    return {"loadBalancingConfig": [{"ring_hash_experimental": {"requestHashHeader": header}}]}


class Connection:
    """A channel to a dependency, which can be reopened with new TLS files.

    `async with` closes it.

    Args:
        address: `host:port`, or any other target that gRPC resolves.
        pem: The TLS certificates and key; None means plain text.
        grace_s: Time for calls to finish on a channel that was replaced.
        hash_header: As in `open_channel`.
    """

    def __init__(
        self, address: str, pem: Pem | None, *, grace_s: float, hash_header: str | None = None
    ) -> None:
        self._address = address
        self._grace_s = grace_s
        self._hash_header = hash_header
        self.channel = open_channel(address, pem, hash_header)

    async def reopen(self, pem: Pem) -> None:
        """Opens a channel for new calls; returns when the calls on the old one have ended."""
        old, self.channel = self.channel, open_channel(self._address, pem, self._hash_header)
        await old.close(self._grace_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close(None)


def open_channel(
    address: str, pem: Pem | None = None, hash_header: str | None = None
) -> grpc.aio.Channel:
    """Returns a channel that balances its calls over all addresses of a name.

    Args:
        address: `host:port`, or any other target that gRPC resolves.
        pem: The TLS certificates and key; None means plain text.
        hash_header: Calls with the same value of this header go to the same address, as long as it is
            there (consistent hashing); None: calls take turns.
    """
    service_config = files("routemoa").joinpath("service_config.json").read_text()
    if hash_header is not None:
        service_config = json.dumps(json.loads(service_config) | _hashed(hash_header))
    options = (*_OPTIONS, ("grpc.service_config", service_config))
    if pem is None:
        return grpc.aio.insecure_channel(address, options=options)
    return grpc.aio.secure_channel(address, channel_credentials(pem), options=options)
