"""Credentials for `RouteMoAClient`: TLS, a certificate of the caller's own, and a token."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import grpc

from routemoa.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    PathLikeText = str | PathLike[str]


def tls(
    *,
    ca_file: PathLikeText | None = None,
    certificate_file: PathLikeText | None = None,
    key_file: PathLikeText | None = None,
) -> grpc.ChannelCredentials:
    """Returns credentials that encrypt, and prove who the service and the caller are.

    Args:
        ca_file: PEM file of the authorities that may vouch for the service; None trusts gRPC's own.
        certificate_file: PEM file of the caller's certificate, for services that ask for one.
        key_file: PEM file of the certificate's private key.

    Raises:
        OSError: A file cannot be read.
        ValueError: Of the certificate and the key, one is missing.
    """
    if (certificate_file is None) != (key_file is None):
        message = "a certificate and its key are given together or not at all"
        raise ValueError(message)
    return grpc.ssl_channel_credentials(_read(ca_file), _read(key_file), _read(certificate_file))


def require_tls(
    credentials: grpc.ChannelCredentials | None,
    token: Callable[[], str] | None,
    *,
    plaintext_token: bool,
) -> None:
    """Refuses a token that would travel without TLS, unless it may.

    Raises:
        ValueError: There is a token and no credentials.
    """
    if token is not None and credentials is None and not plaintext_token:
        message = "a token needs TLS: it could be read on the way"
        raise ValueError(message)


def authorization(token: Callable[[], str] | None) -> tuple[tuple[str, str], ...]:
    """Returns the metadata of a call that carry a token, if there is one.

    Raises:
        TransportError: There should be one, but asking for it failed.
    """
    # Not by gRPC's call credentials: it takes their failure for UNAVAILABLE and tries again.
    if token is None:
        return ()
    try:
        return (("authorization", f"Bearer {token()}"),)
    except Exception as error:
        raise TransportError(grpc.StatusCode.UNAUTHENTICATED, f"no token: {error}") from error


def _read(path: PathLikeText | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()
