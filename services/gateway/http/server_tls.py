"""The certificate of the server, which changes with its files."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

from services.rpc.file_problems import FileProblemsError
from services.rpc.reload import Reloaded
from services.rpc.server import StartUpError

if TYPE_CHECKING:
    from services.rpc.tls import TlsFiles

CHECK_INTERVAL_S = 5.0


class ServerTls:
    """The TLS context of a listener.

    Raises:
        StartUpError: The files cannot be used.
    """

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        if files.ca is not None:
            self.context.verify_mode = ssl.CERT_REQUIRED
        try:
            self._reloaded: Reloaded[None] = Reloaded("server_tls", files.paths, self._load)
        except FileProblemsError as error:
            raise StartUpError("the TLS files cannot be used", error.problems) from error

    async def follow(self) -> None:
        """Loads changed files for new connections, until it is cancelled."""
        while True:
            await asyncio.sleep(CHECK_INTERVAL_S)
            # Not in a thread: no handshake may use the context meanwhile.
            self._reloaded.refresh()

    def _load(self) -> None:
        """Loads the files into the context, if all of them can be used."""
        self._files.load()
        certificate, key, ca = self._files.certificate, self._files.key, self._files.ca
        assert certificate is not None  # noqa: S101  # the settings see to it
        self.context.load_cert_chain(certificate, key, password="")
        if ca is not None:
            self.context.load_verify_locations(ca)
