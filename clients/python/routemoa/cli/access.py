"""How a command reaches a service that is not on loopback: TLS, a certificate, a tenant's token."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from routemoa.client import ROUTER_ADDRESS, SCORER_ADDRESS, RouteMoAClient
from routemoa.credentials import tls as tls_credentials

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc

TOKEN_VARIABLE = "ROUTEMOA_TOKEN"  # noqa: S105  # where the token is, not what it is

TlsOption = Annotated[
    bool,
    typer.Option(
        "--tls", envvar="ROUTEMOA_TLS", help="Encrypt; whoever public CAs vouch for is it."
    ),
]
CaFileOption = Annotated[
    Path | None,
    typer.Option(
        "--ca-file",
        envvar="ROUTEMOA_CA_FILE",
        exists=True,
        dir_okay=False,
        help="Encrypt; whoever the CAs of this PEM file vouch for is it.",
    ),
]
CertificateFileOption = Annotated[
    Path | None,
    typer.Option(
        "--certificate-file",
        envvar="ROUTEMOA_CERTIFICATE_FILE",
        exists=True,
        dir_okay=False,
        help="PEM file of your own certificate, for services that ask for one.",
    ),
]
KeyFileOption = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        envvar="ROUTEMOA_KEY_FILE",
        exists=True,
        dir_okay=False,
        help="PEM file of that certificate's key.",
    ),
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        envvar="ROUTEMOA_TOKEN_FILE",
        exists=True,
        dir_okay=False,
        help=f"File that holds your token; or {TOKEN_VARIABLE} does. Needs TLS.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What is shown to a service, and asked of it; by default nothing."""

    credentials: grpc.ChannelCredentials | None = None
    token: Callable[[], str] | None = None

    def client(
        self, router: str = ROUTER_ADDRESS, *, scorer: str = SCORER_ADDRESS
    ) -> RouteMoAClient:
        """Returns a client of the services at these addresses."""
        return RouteMoAClient(router, scorer=scorer, credentials=self.credentials, token=self.token)


PLAIN = Access()


def read_access(
    *,
    tls: bool,
    ca_file: Path | None,
    certificate_file: Path | None,
    key_file: Path | None,
    token_file: Path | None,
) -> Access:
    """Returns what the options and the environment say; a file with the token wins over the variable.

    Raises:
        typer.BadParameter: They contradict each other, or a file cannot be read.
    """
    token = _token(token_file)
    if not tls and ca_file is None:
        if certificate_file or key_file or token:
            raise typer.BadParameter("a token or a certificate needs TLS: --tls or --ca-file")
        return PLAIN
    try:
        credentials = tls_credentials(
            ca_file=ca_file, certificate_file=certificate_file, key_file=key_file
        )
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    return Access(credentials=credentials, token=token)


def _token(token_file: Path | None) -> Callable[[], str] | None:
    """Returns what gives the token; a file is read before every call, since it may be replaced."""
    if token_file is not None:
        return lambda: token_file.read_text(encoding="utf-8").strip()
    token = os.environ.get(TOKEN_VARIABLE, "")
    return (lambda: token) if token else None
