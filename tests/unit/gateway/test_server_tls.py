"""The certificate and the CAs of a listener follow their files; half-written ones change nothing."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from services.gateway.http.server_tls import ServerTls
from tests.integration.certificates import Certificates, issue

if TYPE_CHECKING:
    from pathlib import Path


def shake_hands(server: ServerTls, client: Certificates, trusted: str) -> None:
    """Completes a handshake in memory; raises SSLError where either side refuses it."""
    context = ssl.create_default_context(cadata=trusted)
    context.load_cert_chain(client.certificate, client.key)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        context.wrap_bio(to_client, to_server, server_hostname="127.0.0.1"),
        server.context.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(10):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue


@pytest.fixture
def server_files(tmp_path: Path) -> Certificates:
    return issue(tmp_path / "server")


def listening(server_files: Certificates, client_ca: Path) -> ServerTls:
    return ServerTls(server_files.as_server(client_ca))


def test_a_new_certificate_and_new_cas_count_from_the_next_handshake_on(
    server_files: Certificates, tmp_path: Path
) -> None:
    old, new = issue(tmp_path / "old"), issue(tmp_path / "new")
    ca = tmp_path / "clients.crt"
    ca.write_bytes(old.ca.read_bytes())
    tls = listening(server_files, ca)
    first = server_files.ca.read_text()
    shake_hands(tls, old, first)
    with pytest.raises(ssl.SSLError):
        shake_hands(tls, new, first)
    issue(tmp_path / "server")
    ca.write_bytes(new.ca.read_bytes())
    assert tls.refresh()
    second = server_files.ca.read_text()
    shake_hands(tls, new, second)
    with pytest.raises(ssl.SSLError):  # its CA is trusted no more
        shake_hands(tls, old, second)
    with pytest.raises(ssl.SSLError):
        shake_hands(tls, new, first)


def test_a_certificate_without_its_key_changes_nothing(
    server_files: Certificates, tmp_path: Path
) -> None:
    client = issue(tmp_path / "client")
    tls = listening(server_files, client.ca)
    trusted = server_files.ca.read_text()
    server_files.certificate.write_bytes(client.certificate.read_bytes())
    assert not tls.refresh()
    shake_hands(tls, client, trusted)
