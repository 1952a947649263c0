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
    """The TLS context of a listener. Each handshake uses the newest files that could be loaded.

    Raises:
        StartUpError: The files cannot be used.
    """

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        try:
            self._reloaded = Reloaded("server_tls", files.paths, self._load)
        except FileProblemsError as error:
            raise StartUpError("the TLS files cannot be used", error.problems) from error
        self.context = self._context()
        # A listener keeps its context, so each handshake changes to the newest one.
        self.context.sni_callback = self._use_newest

    async def follow(self) -> None:
        """Loads changed files for new connections, until it is cancelled."""
        while True:
            await asyncio.sleep(CHECK_INTERVAL_S)
            await asyncio.to_thread(self.refresh)

    def refresh(self) -> bool:
        """Loads the files if they have changed; returns whether there are new ones."""
        return self._reloaded.refresh()

    def _use_newest(self, connection: ssl.SSLObject, _name: str | None, _: ssl.SSLContext) -> None:
        connection.context = self._reloaded.value

    def _load(self) -> ssl.SSLContext:
        """Returns a context with the files, if all of them can be used."""
        self._files.load()
        context = self._context()
        certificate, key, ca = self._files.certificate, self._files.key, self._files.ca
        assert certificate is not None  # noqa: S101  # the settings see to it
        try:
            context.load_cert_chain(certificate, key, password="")
            if ca is not None:
                context.load_verify_locations(ca)
        except OSError as error:  # replaced since the check
            raise FileProblemsError([f"{certificate}: cannot be used: {error}"]) from error
        return context

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self._files.ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
        return context
