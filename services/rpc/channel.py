"""Outbound channels, with keepalive, the service config of all clients, and TLS."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Self

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


class Connection:
    """A channel to a dependency, which can be reopened with new TLS files.

    `async with` closes it.

    Args:
        address: `host:port`, or any other target that gRPC resolves.
        pem: The TLS certificates and key; None means plain text.
        grace_s: Time for calls to finish on a channel that was replaced.
    """

    def __init__(self, address: str, pem: Pem | None, *, grace_s: float) -> None:
        self._address = address
        self._grace_s = grace_s
        self.channel = open_channel(address, pem)

    async def reopen(self, pem: Pem) -> None:
        """Opens a channel for new calls; returns when the calls on the old one have ended."""
        old, self.channel = self.channel, open_channel(self._address, pem)
        await old.close(self._grace_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close(None)


def open_channel(address: str, pem: Pem | None = None) -> grpc.aio.Channel:
    """Returns a channel that balances its calls over all addresses of a name."""
    service_config = files("routemoa").joinpath("service_config.json").read_text()
    options = (*_OPTIONS, ("grpc.service_config", service_config))
    if pem is None:
        return grpc.aio.insecure_channel(address, options=options)
    return grpc.aio.secure_channel(address, channel_credentials(pem), options=options)
