"""The certificate of the server, which changes with its files."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import structlog

from services.rpc.file_problems import FileProblemsError
from services.rpc.reload import Reloaded
from services.rpc.server import StartUpError

if TYPE_CHECKING:
    from services.rpc.tls import Pem, TlsFiles

CHECK_INTERVAL_S = 5.0
_log = structlog.get_logger()


class ServerTls:
    """The TLS context of a listener.

    Raises:
        StartUpError: The files cannot be used.
    """

    def __init__(self, files: TlsFiles) -> None:
        try:
            self._files = files
            self._reloaded: Reloaded[Pem] = Reloaded("server_tls", files.paths, files.load)
        except FileProblemsError as error:
            raise StartUpError("the TLS files cannot be used", error.problems) from error
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        if files.ca is not None:
            self.context.verify_mode = ssl.CERT_REQUIRED
        self._load()

    async def follow(self) -> None:
        """Loads changed files for new connections, until it is cancelled."""
        while True:
            await asyncio.sleep(CHECK_INTERVAL_S)
            try:
                if await asyncio.to_thread(self._reloaded.refresh):
                    self._load()
            except Exception as error:  # noqa: BLE001  # files are watched as long as it serves
                _log.error("file_check_failed", error=type(error).__name__)

    def _load(self) -> None:
        certificate, key, ca = self._files.certificate, self._files.key, self._files.ca
        assert certificate is not None  # noqa: S101  # the settings see to it
        self.context.load_cert_chain(certificate, key, password="")
        if ca is not None:
            self.context.load_verify_locations(ca)
