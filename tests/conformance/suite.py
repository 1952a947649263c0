"""Runs cases with a client's driver against the scripted server.

case -> command line to the driver -> its outcome, and the server's record -> problems
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import grpc

from services.local.stack import StackConfig, running_stack
from tests.conformance.certificates import make_certificates
from tests.conformance.messages import METHODS
from tests.conformance.server import CountingProxy, Stage, listening
from tests.conformance.verdict import problems
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tests.conformance.case import Case, Json
    from tests.conformance.driver import Driver
    from tests.conformance.language import Language

SERVICES = ("ScorerService", "RouterService", "JudgeService")
CANCELLATION_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A server with all its listeners, and the cases that it plays."""

    stage: Stage
    addresses: dict[str, str]
    """Of every listener, and of the real services by their names."""
    proxy: CountingProxy
    certificates: Path
    version: str
    """What every client must say that it is."""

    async def run(self, case: Case, language: Language, driver: Driver) -> list[str]:
        """Returns what is wrong with a client in one case."""
        request_id = f"{language.name}/{case.name}"
        record = self.stage.record(request_id)
        sent_before, received_before = self.proxy.sent_bytes, self.proxy.received_bytes
        started_s = time.perf_counter()
        outcome = await driver.run(self._command(case, request_id))
        took_ms = (time.perf_counter() - started_s) * 1000
        found: list[str] = []
        if case.expect.cancelled:
            try:
                await asyncio.wait_for(record.cancelled.wait(), CANCELLATION_S)
            except TimeoutError:
                found.append("the server never saw the call cancelled")
        words = {
            "$address": self._address(case),
            "$request_id": request_id,
            "$user_agent": f"{language.agent}/{self.version} ",
        }
        found += problems(case, outcome, record, words)
        most_ms = case.expect.within_ms
        if most_ms is not None and took_ms > most_ms:
            found.append(f"took {took_ms:.0f} ms, more than {most_ms}")
        for verb, bounds, count in (
            ("wrote", case.expect.sent_bytes, self.proxy.sent_bytes - sent_before),
            ("got", case.expect.received_bytes, self.proxy.received_bytes - received_before),
        ):
            if bounds is not None and not bounds[0] <= count <= bounds[1]:
                found.append(f"the client {verb} {count} bytes, not {bounds[0]} to {bounds[1]}")
        return found

    def _address(self, case: Case) -> str:
        service = METHODS[case.method].containing_service.name
        return self.addresses[service if case.is_live else case.listener]

    def _command(self, case: Case, request_id: str) -> Json:
        call = dict(case.call)
        if security := call.pop("security", None):
            call["security"] = {"ca_file": str(self.certificates / f"{security['ca']}.pem")}
            if name := security.get("certificate"):
                call["security"]["certificate_file"] = str(self.certificates / f"{name}.pem")
                call["security"]["key_file"] = str(self.certificates / f"{name}.key")
        return {
            "method": case.method,
            "requests": case.requests,
            "address": self._address(case),
            "request_id": request_id,
            **call,
        }


@asynccontextmanager
async def playing(cases: Sequence[Case], version: str) -> AsyncIterator[Suite]:
    """Serves the cases on every listener until the block ends."""
    stage = Stage(cases)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        make_certificates(folder)
        plaintext = await stack.enter_async_context(listening(stage, SERVICES))
        proxy = CountingProxy(plaintext)
        addresses = {
            "plaintext": plaintext,
            "throttled": await stack.enter_async_context(listening(stage, SERVICES)),
            "judge-only": await stack.enter_async_context(listening(stage, ("JudgeService",))),
            "counted": await proxy.serve(stack),
            "nobody": f"127.0.0.1:{free_port()}",
        }
        if any(case.is_live for case in cases):
            live = await stack.enter_async_context(running_stack(StackConfig()))
            addresses |= {
                "ScorerService": live.scorer_address,
                "RouterService": live.router_address,
                "JudgeService": live.judge_address,
            }
        for name in ("tls", "mutual-tls"):
            credentials = _server_credentials(folder, mutual=name == "mutual-tls")
            serving = listening(stage, SERVICES, credentials)
            addresses[name] = await stack.enter_async_context(serving)
        yield Suite(
            stage=stage, addresses=addresses, proxy=proxy, certificates=folder, version=version
        )


def _server_credentials(folder: Path, *, mutual: bool) -> grpc.ServerCredentials:
    pair = ((folder / "server.key").read_bytes(), (folder / "server.pem").read_bytes())
    ca = (folder / "ca.pem").read_bytes() if mutual else None
    return grpc.ssl_server_credentials([pair], ca, require_client_auth=mutual)
