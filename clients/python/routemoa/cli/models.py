"""`routemoa models`: lists the pool that the router chooses from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from routemoa.cli.access import (
    PLAIN,
    Access,
    CaFileOption,
    CertificateFileOption,
    KeyFileOption,
    ProxyOption,
    TlsOption,
    TokenFileOption,
    read_access,
)
from routemoa.cli.command import JsonOption, RouterOption, run
from routemoa.cli.render import pool_table
from routemoa.cli.terminal import open_console, print_json
from routemoa.client import ROUTER_ADDRESS
from routemoa.v1.router_service_pb2 import ListModelsResponse

if TYPE_CHECKING:
    from rich.console import Console


def models(
    *,
    router: RouterOption = ROUTER_ADDRESS,
    tls: TlsOption = False,
    ca_file: CaFileOption = None,
    certificate_file: CertificateFileOption = None,
    key_file: KeyFileOption = None,
    token_file: TokenFileOption = None,
    proxy: ProxyOption = False,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds that it may take.")] = 5.0,
    as_json: JsonOption = False,
) -> None:
    """Lists the models of the pool, with price, latency and context window."""
    access = read_access(
        tls=tls,
        ca_file=ca_file,
        certificate_file=certificate_file,
        key_file=key_file,
        token_file=token_file,
        proxy=proxy,
    )
    work = show_models(open_console(), router, access=access, timeout_s=timeout, as_json=as_json)
    run(work, address=router, as_json=as_json)


async def show_models(
    console: Console, address: str, *, access: Access = PLAIN, timeout_s: float, as_json: bool
) -> None:
    """Shows the whole pool of the router at `address`."""
    async with access.client(address) as client:
        pool = await client.models(timeout_s=timeout_s)
    if as_json:
        print_json(ListModelsResponse(models=pool))
    else:
        console.print(pool_table(pool))
