"""Opens the channels of the client, with its limits, timeouts and retries."""

from __future__ import annotations

from importlib.resources import files

import grpc
import grpc.aio

MAX_RESPONSE_BYTES = 32 * 1024 * 1024
"""An answer of many layers holds every model's answer; gRPC's own limit is an eighth of this."""

_OPTIONS: tuple[tuple[str, int | str], ...] = (
    ("grpc.max_receive_message_length", MAX_RESPONSE_BYTES),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # The default of 30 s is long where pods are replaced one after the other.
    ("grpc.dns_min_time_between_resolutions_ms", 2_000),
)

SERVICE_CONFIG = files("routemoa").joinpath("service_config.json").read_text()
"""Timeouts and retries of every method."""


def open_channel(
    address: str,
    credentials: grpc.ChannelCredentials | None,
    *,
    user_agent: str,
    gzip: bool,
    proxy: bool,
) -> grpc.aio.Channel:
    """Returns a channel to an address; it connects on first use.

    Args:
        address: `host:port`.
        credentials: Those of TLS; None means plain text.
        user_agent: The name of the client.
        gzip: Whether requests are compressed.
        proxy: Whether the HTTP proxy of the environment is used.
    """
    options = (
        *_OPTIONS,
        ("grpc.primary_user_agent", user_agent),
        ("grpc.service_config", SERVICE_CONFIG),
        ("grpc.enable_http_proxy", int(proxy)),
    )
    compression = grpc.Compression.Gzip if gzip else grpc.Compression.NoCompression
    if credentials is None:
        return grpc.aio.insecure_channel(address, options=options, compression=compression)
    return grpc.aio.secure_channel(address, credentials, options=options, compression=compression)
