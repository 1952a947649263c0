"""Outbound channels: keepalive, the service config that every client uses, and TLS."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Self

import grpc.aio

from services.rpc.tls import channel_credentials

if TYPE_CHECKING:
    from services.rpc.tls import Pem

_OPTIONS: tuple[tuple[str, int | str], ...] = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # A dependency that restarts is tried again soon; the default waits up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # Names are looked up anew at most this often, when a server goes away or asks to connect anew. The
    # default of 30 s is long where all of a Deployment's pods are replaced within less.
    ("grpc.dns_min_time_between_resolutions_ms", 2_000),
)


class Connection:
    """A channel to a dependency, replaced when its TLS files are; closed when the block ends.

    Args:
        address: `host:port` or any other target that gRPC resolves.
        pem: TLS material; None means plain text.
        grace_s: Time that calls have to finish on a channel that is replaced.
    """

    def __init__(self, address: str, pem: Pem | None, *, grace_s: float) -> None:
        self._address = address
        self._grace_s = grace_s
        self.channel = open_channel(address, pem)

    async def reopen(self, pem: Pem) -> None:
        """Lets new calls use new TLS material, and returns when the old ones have ended."""
        old, self.channel = self.channel, open_channel(self._address, pem)
        await old.close(self._grace_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close(None)


def open_channel(address: str, pem: Pem | None = None) -> grpc.aio.Channel:
    """Returns a channel that balances over all addresses behind the name."""
    service_config = files("routemoa").joinpath("service_config.json").read_text()
    options = (*_OPTIONS, ("grpc.service_config", service_config))
    if pem is None:
        return grpc.aio.insecure_channel(address, options=options)
    return grpc.aio.secure_channel(address, channel_credentials(pem), options=options)
