"""`routemoa feedback`: records how good an answer was."""

from __future__ import annotations

import enum
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
from routemoa.cli.terminal import open_console, print_json
from routemoa.client import ROUTER_ADDRESS
from routemoa.v1.router_service_pb2 import FeedbackSource, RecordFeedbackRequest

if TYPE_CHECKING:
    from rich.console import Console


class Source(enum.StrEnum):
    """The one who gives feedback."""

    USER = "user"
    CHECKER = "checker"
    OPERATOR = "operator"


def feedback(
    decision_id: Annotated[str, typer.Argument(help="The decision_id of the answer.")],
    *,
    score: Annotated[
        float | None, typer.Option(help="From 0, the answer is wrong, to 1, it is right.")
    ] = None,
    preferred_model: Annotated[
        str, typer.Option(help="The model whose answer in a layer was the best.")
    ] = "",
    better_answer: Annotated[str, typer.Option(help="An answer that would have been better.")] = "",
    source: Annotated[Source, typer.Option(help="Who says so.")] = Source.USER,
    feedback_id: Annotated[
        str, typer.Option(help="The same id records the feedback once; a new one unless given.")
    ] = "",
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
    """Records how good an answer was. The router keeps it beside its decision records."""
    if score is None and not preferred_model and not better_answer:
        raise typer.BadParameter("give --score, --preferred-model or --better-answer")
    access = read_access(
        tls=tls,
        ca_file=ca_file,
        certificate_file=certificate_file,
        key_file=key_file,
        token_file=token_file,
        proxy=proxy,
    )
    request = RecordFeedbackRequest(
        decision_id=decision_id,
        feedback_id=feedback_id,
        source=FeedbackSource.Value(f"FEEDBACK_SOURCE_{source.name}"),
        score=score,
        preferred_model_id=preferred_model,
        better_answer=better_answer,
    )
    work = send_feedback(
        open_console(), router, request, access=access, timeout_s=timeout, as_json=as_json
    )
    run(work, address=router, as_json=as_json)


async def send_feedback(
    console: Console,
    address: str,
    request: RecordFeedbackRequest,
    *,
    access: Access = PLAIN,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Sends feedback to the router at `address`, and shows that it is recorded."""
    async with access.client(address) as client:
        response = await client.feedback(
            request.decision_id,
            request.score if request.HasField("score") else None,
            source=request.source,
            preferred_model_id=request.preferred_model_id,
            better_answer=request.better_answer,
            feedback_id=request.feedback_id,
            timeout_s=timeout_s,
        )
    if as_json:
        print_json(response)
    else:
        console.print("recorded before" if response.already_recorded else "recorded")
