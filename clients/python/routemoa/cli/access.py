"""Options for services that are not on loopback: TLS, a certificate, a tenant's token, a proxy."""

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

TOKEN_VARIABLE = "ROUTEMOA_TOKEN"  # noqa: S105  # the name of the variable, not the token

TlsOption = Annotated[
    bool,
    typer.Option("--tls", envvar="ROUTEMOA_TLS", help="Use TLS; trust public CAs."),
]
CaFileOption = Annotated[
    Path | None,
    typer.Option(
        "--ca-file",
        envvar="ROUTEMOA_CA_FILE",
        exists=True,
        dir_okay=False,
        help="Use TLS; trust the CAs of this PEM file.",
    ),
]
CertificateFileOption = Annotated[
    Path | None,
    typer.Option(
        "--certificate-file",
        envvar="ROUTEMOA_CERTIFICATE_FILE",
        exists=True,
        dir_okay=False,
        help="PEM file of the client certificate, for services that require one.",
    ),
]
KeyFileOption = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        envvar="ROUTEMOA_KEY_FILE",
        exists=True,
        dir_okay=False,
        help="PEM file of the client certificate's key.",
    ),
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        envvar="ROUTEMOA_TOKEN_FILE",
        exists=True,
        dir_okay=False,
        help=f"File with the tenant's token, instead of {TOKEN_VARIABLE}. Needs TLS.",
    ),
]
ProxyOption = Annotated[
    bool,
    typer.Option(
        "--proxy",
        envvar="ROUTEMOA_PROXY",
        help="Use the HTTP proxy of the environment (https_proxy, no_proxy).",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Credentials, token and proxy for calls to a service; by default none."""

    credentials: grpc.ChannelCredentials | None = None
    token: Callable[[], str] | None = None
    proxy: bool = False

    def client(
        self, router: str = ROUTER_ADDRESS, *, scorer: str = SCORER_ADDRESS
    ) -> RouteMoAClient:
        """Returns a client of the services at these addresses."""
        return RouteMoAClient(
            router,
            scorer=scorer,
            credentials=self.credentials,
            token=self.token,
            proxy=self.proxy,
        )


PLAIN = Access()


def read_access(
    *,
    tls: bool,
    ca_file: Path | None,
    certificate_file: Path | None,
    key_file: Path | None,
    token_file: Path | None,
    proxy: bool,
) -> Access:
    """Returns the access that options and environment describe; a token file wins over the variable.

    Raises:
        typer.BadParameter: The options contradict each other, or a file cannot be read.
    """
    token = _token(token_file)
    if not tls and ca_file is None:
        if certificate_file or key_file or token:
            raise typer.BadParameter("a token or a certificate needs TLS: --tls or --ca-file")
        return Access(proxy=proxy)
    try:
        credentials = tls_credentials(
            ca_file=ca_file, certificate_file=certificate_file, key_file=key_file
        )
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    return Access(credentials=credentials, token=token, proxy=proxy)


def _token(token_file: Path | None) -> Callable[[], str] | None:
    """Returns a function that gives the token; it reads a file anew, since it may be replaced."""
    if token_file is not None:
        return lambda: token_file.read_text(encoding="utf-8").strip()
    token = os.environ.get(TOKEN_VARIABLE, "")
    return (lambda: token) if token else None
