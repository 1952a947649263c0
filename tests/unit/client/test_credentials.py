from __future__ import annotations

from threading import enumerate as enumerate_threads
from typing import TYPE_CHECKING

import pytest

from routemoa import RouteMoAClient
from routemoa.blocking import BlockingClient
from routemoa.credentials import tls

if TYPE_CHECKING:
    from pathlib import Path


def test_a_certificate_needs_its_key_and_a_key_its_certificate(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="together"):
        tls(certificate_file=tmp_path / "client.pem")
    with pytest.raises(ValueError, match="together"):
        tls(key_file=tmp_path / "client.key")


def test_a_file_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"ca\.pem"):
        tls(ca_file=tmp_path / "ca.pem")


@pytest.mark.parametrize("client", [RouteMoAClient, BlockingClient])
def test_a_token_needs_tls(client: type[RouteMoAClient | BlockingClient]) -> None:
    with pytest.raises(ValueError, match="needs TLS"):
        client(token=lambda: "s3cret")
    assert not [thread for thread in enumerate_threads() if thread.name == "routemoa"]
