"""The API server of the cluster that this process runs in, and how to show who is asking."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds its credentials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServer:
    """Where the API server is, and the pod's credentials for it."""

    url: str
    token_file: Path | None = None
    ca_file: Path | None = None

    @classmethod
    def of_this_cluster(
        cls, environment: Mapping[str, str] = os.environ, folder: Path | None = None
    ) -> ApiServer:
        """Returns the API server that every pod can reach.

        Args:
            environment: Of the process.
            folder: The pod's credentials, if they are not where every pod has them.

        Raises:
            OSError: This process runs in no cluster, or has no service account there.
        """
        folder = folder or SERVICE_ACCOUNT
        host = environment.get("KUBERNETES_SERVICE_HOST")
        if host is None:
            raise OSError("KUBERNETES_SERVICE_HOST is not set: this is no pod of a cluster")
        if not (folder / "token").is_file():
            raise OSError(f"no service account token in {folder}")
        port = environment.get("KUBERNETES_SERVICE_PORT", "443")
        host = f"[{host}]" if ":" in host else host
        return cls(
            url=f"https://{host}:{port}", token_file=folder / "token", ca_file=folder / "ca.crt"
        )

    def headers(self) -> dict[str, str]:
        """Returns the headers that name the caller; the token is read anew, since it is replaced.

        Raises:
            OSError: The token cannot be read.
        """
        if self.token_file is None:
            return {}
        return {"Authorization": f"Bearer {self.token_file.read_text().strip()}"}

    def tls(self) -> ssl.SSLContext | bool:
        """Returns how the server is known: by the cluster's CA.

        Raises:
            OSError: The CA cannot be read.
        """
        return True if self.ca_file is None else ssl.create_default_context(cafile=self.ca_file)
