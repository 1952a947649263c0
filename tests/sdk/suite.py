"""Runs cases with clients, against a gateway process in front of the scripted router.

The gateway of live cases is that of the whole system: simulator, scorer, judge and router.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

from services.local.stack import StackConfig, running_stack
from tests.conformance.driver import Driver, DriverError
from tests.conformance.server import listening
from tests.integration.service_process import logged, started
from tests.sdk.scripted_router import ScriptedRouter
from tests.sdk.verdict import problems

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from tests.sdk.case import Case
    from tests.sdk.client import Client

KEEP_ALIVE_S = 0.2
CANCELLED_WITHIN_S = 10.0
OUTCOME_TIMEOUT_S = 120.0
"""Time limit of a case; to import a framework may take a minute on a busy machine."""
MAX_LINE_BYTES = 16 * 1024 * 1024
Results = dict[str, dict[str, list[str]]]
"""What is wrong with each case that ran, by client and case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Services:
    """What the clients call: a gateway per kind of case."""

    router: ScriptedRouter
    scripted_url: str
    live_url: str
    simulator_url: str

    def url(self, case: Case) -> str:
        """Returns the URL of the gateway that answers a case."""
        return self.live_url if case.live else self.scripted_url


async def run(
    cases: Sequence[Case],
    clients: Sequence[Client],
    environments: Path,
    report: Callable[[str, dict[str, list[str]]], None],
) -> Results:
    """Returns what is wrong with every case that a client ran.

    Args:
        cases: The cases.
        clients: The clients; each runs those that apply to it.
        environments: The folder of their installations.
        report: Takes a client's name and results as soon as it has run.
    """
    results: Results = {}
    async with _services(cases) as services:
        for client in clients:
            found = results.setdefault(client.name, {})
            waiting = [case for case in cases if client.runs(case)]
            while waiting:  # a driver that hung or ended is replaced
                async with driving(client, environments) as driver:
                    await _run_cases(waiting, client, driver, services, found)
            report(client.name, found)
    return results


async def _run_cases(
    waiting: list[Case],
    client: Client,
    driver: Driver,
    services: _Services,
    found: dict[str, list[str]],
) -> None:
    """Runs the cases that wait, until there is none or the driver says nothing."""
    while waiting:
        case = waiting.pop(0)
        async with _faults(case, services.simulator_url):
            try:
                found[case.key] = await _run_case(case, client, driver, services)
            except DriverError as error:
                found[case.key] = [str(error)]
                return


@asynccontextmanager
async def _services(cases: Sequence[Case]) -> AsyncIterator[_Services]:
    router = ScriptedRouter(cases)
    async with AsyncExitStack() as exits:
        address = await exits.enter_async_context(listening(router, ["RouterService"]))
        scripted_url = await exits.enter_async_context(gateway(address))
        live_url = simulator_url = ""
        if any(case.live for case in cases):
            stack = await exits.enter_async_context(running_stack(StackConfig()))
            live_url, simulator_url = f"http://{stack.gateway_address}", str(stack.simulator_url)
        yield _Services(
            router=router,
            scripted_url=scripted_url,
            live_url=live_url,
            simulator_url=simulator_url,
        )


@asynccontextmanager
async def _faults(case: Case, simulator_url: str) -> AsyncIterator[None]:
    """Gives simulated models the faults of a case until the block ends."""
    if not case.faults:
        yield
        return
    async with aiohttp.ClientSession(simulator_url, raise_for_status=True) as http:
        for model, kind in case.faults.items():
            await http.put(f"/faults/{model}", json={"kind": kind})
        try:
            yield
        finally:
            for model in case.faults:
                await http.delete(f"/faults/{model}")


@asynccontextmanager
async def gateway(router_address: str) -> AsyncIterator[str]:
    """Runs a gateway in front of a router; yields its URL."""
    settings = {
        "ROUTER_ADDRESS": router_address,
        "KEEP_ALIVE_INTERVAL_S": str(KEEP_ALIVE_S),
    }
    async with started("gateway", **settings) as process:
        address = (await logged(process, "listening"))["address"]
        yield f"http://{address}"


async def _run_case(case: Case, client: Client, driver: Driver, services: _Services) -> list[str]:
    request_id = f"{client.name}/{case.key}"
    command = {
        "base_url": services.url(case),
        "mode": case.mode,
        "request": case.request,
        "request_id": request_id,
    }
    shown = await driver.run(command)
    record = services.router.record(request_id)
    if case.cancelled:
        with suppress(TimeoutError):  # the verdict says so
            await asyncio.wait_for(record.cancelled.wait(), CANCELLED_WITHIN_S)
    return list(problems(case, client, shown, record, request_id=request_id))


@asynccontextmanager
async def driving(client: Client, environments: Path) -> AsyncIterator[Driver]:
    """Runs a client's driver until the block ends."""
    process = await asyncio.create_subprocess_exec(
        *client.command(environments),
        env={"PATH": os.environ["PATH"]},  # no proxy, no key
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=MAX_LINE_BYTES,
    )
    try:
        yield Driver(process, timeout_s=OUTCOME_TIMEOUT_S)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()
