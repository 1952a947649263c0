"""Credentials for `RouteMoAClient`: TLS, and a certificate of the caller's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
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


def _read(path: PathLikeText | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()
