"""Certificates for a test run, made by openssl: two authorities, a service's and a caller's."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def make_certificates(folder: Path) -> None:
    """Writes `NAME.pem` and `NAME.key` for ca, other-ca, server and client."""
    for name in ("ca", "other-ca"):
        _openssl(folder, *_request(name), "-x509", "-days", "2", "-out", f"{name}.pem")
    for name in ("server", "client"):
        names = ("-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost")
        signed_by = ("-CA", "ca.pem", "-CAkey", "ca.key")
        _openssl(
            folder,
            *_request(name),
            *names,
            "-x509",
            *signed_by,
            "-days",
            "2",
            "-out",
            f"{name}.pem",
        )


def _request(name: str) -> tuple[str, ...]:
    return ("req", *_KEY, "-keyout", f"{name}.key", "-subj", f"/CN=routemoa test {name}")


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(  # noqa: S603  # our own arguments
        ["openssl", *arguments],  # noqa: S607  # wherever it is installed
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=30,
    )
