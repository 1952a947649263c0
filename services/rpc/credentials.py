"""gRPC credentials from TLS files. A server's credentials change with their files.

A server checks its files with every new connection. A channel keeps its credentials: to use new
ones, open a new channel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from services.rpc.reload import Reloaded

if TYPE_CHECKING:
    from services.rpc.tls import Pem, TlsFiles


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Returns credentials that change with their files; with a CA, clients must show a certificate.

    Raises:
        FileProblemsError: The files cannot be used.
    """
    reloaded = Reloaded("server_tls", files.paths, files.load)

    def newest() -> grpc.ServerCertificateConfiguration | None:
        return _configuration(reloaded.value) if reloaded.refresh() else None

    return grpc.dynamic_ssl_server_credentials(
        _configuration(reloaded.value),
        newest,  # type: ignore[arg-type]  # its stubs omit None, which means no change
        require_client_authentication=files.ca is not None,
    )


def channel_credentials(pem: Pem) -> grpc.ChannelCredentials:
    """Returns the credentials of a channel."""
    return grpc.ssl_channel_credentials(pem.ca, pem.key, pem.certificate)


def _configuration(pem: Pem) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(pem.key or b"", pem.certificate or b"")], pem.ca
    )
