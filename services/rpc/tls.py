"""The TLS files of a server or of outbound channels: reads and checks them."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.rpc.file_problems import FileProblemsError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Pem:
    """The contents of TLS files."""

    certificate: bytes | None
    key: bytes | None
    ca: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """The paths of one side's certificate and key, and of the CAs that it trusts."""

    certificate: Path | None = None
    """The certificate, followed by the intermediate ones."""
    key: Path | None = None
    ca: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that are set."""
        return tuple(path for path in (self.certificate, self.key, self.ca) if path is not None)

    def load(self) -> Pem:
        """Reads and checks the files.

        Raises:
            FileProblemsError: A file is missing or is not PEM, or the key is not the certificate's.
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
            return [
                f"{self.certificate}, {self.key}: not a certificate and its matching key: {error}"
            ]
        return []

    def _ca_problems(self) -> list[str]:
        if self.ca is None:
            return []
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(self.ca)
        except OSError as error:  # ssl.SSLError is one
            return [f"{self.ca}: no CA certificates: {error}"]
        return []
