"""Credentials for `RouteMoAClient`: TLS, a certificate of the caller's own, and a token."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    PathLikeText = str | PathLike[str]


def tls(
    *,
    ca_file: PathLikeText | None = None,
    certificate_file: PathLikeText | None = None,
    key_file: PathLikeText | None = None,
    token: Callable[[], str] | None = None,
) -> grpc.ChannelCredentials:
    """Returns credentials that encrypt, and prove who the service and the caller are.

    Args:
        ca_file: PEM file of the authorities that may vouch for the service; None trusts gRPC's own.
        certificate_file: PEM file of the caller's certificate, for services that ask for one.
        key_file: PEM file of the certificate's private key.
        token: Asked before every call, must not block; travels as `authorization: Bearer ...`. There
            is no way to send one without TLS: it could be read on the way.

    Raises:
        OSError: A file cannot be read.
        ValueError: Of the certificate and the key, one is missing.
    """
    if (certificate_file is None) != (key_file is None):
        message = "a certificate and its key are given together or not at all"
        raise ValueError(message)
    channel = grpc.ssl_channel_credentials(_read(ca_file), _read(key_file), _read(certificate_file))
    if token is None:
        return channel
    return grpc.composite_channel_credentials(
        channel, grpc.metadata_call_credentials(_Bearer(token))
    )


class _Bearer(grpc.AuthMetadataPlugin):
    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    def __call__(
        self, context: grpc.AuthMetadataContext, callback: grpc.AuthMetadataPluginCallback
    ) -> None:
        del context  # the token is the same for every method
        try:
            token = self._token()
        except Exception as error:  # noqa: BLE001  # the caller's own function: its error is the call's
            callback((), error)
        else:
            callback((("authorization", f"Bearer {token}"),), None)


def _read(path: PathLikeText | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()
