"""Certificates made for a test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import trustme

from services.rpc.tls import TlsFiles

if TYPE_CHECKING:
    from pathlib import Path

SERVER_NAME = "scorer.routemoa.svc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """A folder as a Secret would be mounted: a CA's certificate, and one that it issued."""

    ca: Path
    certificate: Path
    key: Path

    def as_client(self) -> TlsFiles:
        """What a client with this certificate shows and trusts."""
        return TlsFiles(ca=self.ca, certificate=self.certificate, key=self.key)

    def as_server(self, client_ca: Path) -> TlsFiles:
        """What a server with this certificate shows, and the CAs of its clients."""
        return TlsFiles(ca=client_ca, certificate=self.certificate, key=self.key)

    def as_trusting(self) -> TlsFiles:
        """What a client without a certificate trusts."""
        return TlsFiles(ca=self.ca)


def issue(folder: Path) -> Certificates:
    """Writes a new CA and a certificate for loopback, over those that were in the folder."""
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1", SERVER_NAME)
    folder.mkdir(exist_ok=True)
    files = Certificates(
        ca=folder / "ca.crt", certificate=folder / "tls.crt", key=folder / "tls.key"
    )
    authority.cert_pem.write_to_path(files.ca)
    leaf.cert_chain_pems[0].write_to_path(files.certificate)
    leaf.private_key_pem.write_to_path(files.key)
    return files
