"""Reads objects from the API server, without starting a program for each look."""

from __future__ import annotations

import json
import ssl
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT_S = 10.0


class Api:
    """The API server that a kubeconfig names."""

    def __init__(self, kubeconfig: Path) -> None:
        """Reads the address, the authority and the token."""
        access = json.loads(kubeconfig.read_text())
        cluster = access["clusters"][0]["cluster"]
        self._server = cluster["server"]
        self._trusting = ssl.create_default_context(cafile=cluster["certificate-authority"])
        self._headers = {"Authorization": f"Bearer {access['users'][0]['user']['token']}"}

    def ask(self, path: str) -> bytes:
        """Returns what the server answers to a GET.

        Raises:
            OSError: It is not there, or refuses.
        """
        request = urllib.request.Request(self._server + path, headers=self._headers)  # noqa: S310  # https
        with urllib.request.urlopen(  # noqa: S310  # https
            request, context=self._trusting, timeout=TIMEOUT_S
        ) as response:
            body: bytes = response.read()
            return body

    def list(self, path: str, **selectors: str) -> list[dict[str, Any]]:
        """Returns the objects at a path, e.g. `/api/v1/pods`, that the selectors choose."""
        query = urllib.parse.urlencode(selectors)
        found = json.loads(self.ask(f"{path}?{query}" if query else path))
        kind = found["kind"].removesuffix("List")
        return [item | {"kind": kind} for item in found["items"] or []]
