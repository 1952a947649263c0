"""TLS for servers and outbound channels, from PEM files that may be replaced while the service runs.

files -> checked -> credentials. A server asks for its files with every new connection; whoever opens
channels has to open new ones.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc

from services.rpc.reload import FileProblemsError, Reloaded

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Pem:
    """What TLS files hold."""

    certificate: bytes | None
    key: bytes | None
    ca: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """Where one side's certificate and key lie, and the CAs that it trusts."""

    certificate: Path | None = None
    """With the intermediate certificates after it."""
    key: Path | None = None
    ca: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that are given."""
        return tuple(path for path in (self.certificate, self.key, self.ca) if path is not None)

    def load(self) -> Pem:
        """Returns what the files hold.

        Raises:
            FileProblemsError: A file is missing or no PEM, or the key is not the certificate's.
        """
        problems = [*self._certificate_problems(), *self._ca_problems()]
        if problems:
            raise FileProblemsError(problems)
        return Pem(
            certificate=self.certificate.read_bytes() if self.certificate else None,
            key=self.key.read_bytes() if self.key else None,
            ca=self.ca.read_bytes() if self.ca else None,
        )

    def _certificate_problems(self) -> list[str]:
        if self.certificate is None or self.key is None:
            return []
        try:
            # The empty password keeps OpenSSL from asking for one at the terminal.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
                self.certificate, self.key, password=""
            )
        except OSError as error:  # ssl.SSLError is one
            return [f"{self.certificate}, {self.key}: not a certificate and its key: {error}"]
        return []

    def _ca_problems(self) -> list[str]:
        if self.ca is None:
            return []
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(self.ca)
        except OSError as error:  # ssl.SSLError is one
            return [f"{self.ca}: no CA certificates: {error}"]
        return []


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Returns credentials that follow their files; with a CA, clients must show a certificate.

    Raises:
        FileProblemsError: The files cannot be used.
    """
    reloaded = Reloaded("server_tls", files.paths, files.load)

    def newest() -> grpc.ServerCertificateConfiguration | None:
        return _configuration(reloaded.value) if reloaded.refresh() else None

    return grpc.dynamic_ssl_server_credentials(
        _configuration(reloaded.value),
        newest,  # type: ignore[arg-type]  # its stubs forget that None means no change
        require_client_authentication=files.ca is not None,
    )


def channel_credentials(pem: Pem) -> grpc.ChannelCredentials:
    """Returns what a channel trusts and shows."""
    return grpc.ssl_channel_credentials(pem.ca, pem.key, pem.certificate)


def _configuration(pem: Pem) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(pem.key or b"", pem.certificate or b"")], pem.ca
    )
