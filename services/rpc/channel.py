"""Outbound channels: keepalive and the service config that every client uses."""

from __future__ import annotations

from importlib.resources import files

import grpc.aio

_OPTIONS: tuple[tuple[str, int | str], ...] = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # A dependency that restarts is tried again soon; the default waits up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)


def open_channel(address: str) -> grpc.aio.Channel:
    """Returns a channel to `host:port` that balances over all addresses behind the name."""
    service_config = files("routemoa").joinpath("service_config.json").read_text()
    options = (*_OPTIONS, ("grpc.service_config", service_config))
    return grpc.aio.insecure_channel(address, options=options)
