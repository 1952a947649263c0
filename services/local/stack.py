"""The whole system as child processes on loopback: simulator, scorer, judge, router and gateway.

ports -> start -> health SERVING -> `Stack` -> SIGTERM in reverse order -> SIGKILL after 5 s
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import random
import shutil
import socket
import tempfile
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from routemoa.cli.failures import StackError
from services.local.process import HOST, Child, launch, log_tail

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

POLL_INTERVAL_S = 0.05
_PORTS = range(20_000, 32_000)
"""Ports that no system gives to outgoing connections: nobody takes one between choice and use."""
# About as fast as a small model on a good GPU, so that a person can follow an answer.
_SIMULATED_POOL = (
    *("--simulated", "--time-to-first-token-ms", "100"),
    *("--tokens-per-second", "100"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackConfig:
    """Options of a stack: pool, artifact, ports and environment."""

    pool_file: Path | None = None
    """The pool to serve; None for the simulator's built-in pool."""
    artifact: Path | None = None
    """The scorer's artifact; None for the one that is shipped."""
    simulator_arguments: tuple[str, ...] = ()
    """The simulator's options. Without any it serves its built-in pool, or does not run if there is a
    pool file."""
    scorer_port: int = 0
    """The scorer's port; 0 takes a free one, as for the other ports."""
    judge_port: int = 0
    """The judge's port."""
    router_port: int = 0
    """The router's port."""
    gateway_port: int = 0
    """The gateway's port."""
    simulator_port: int = 0
    """The simulator's port; where a pool file names it, choose it with `free_port`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables of every process; they override inherited ones and those of the stack."""
    start_timeout_s: float = 60.0
    """Time limit until all processes are ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A running stack: its addresses and processes."""

    router_address: str
    scorer_address: str
    judge_address: str
    gateway_address: str
    simulator_url: str | None
    children: tuple[Child, ...]

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of `simulator` (if it runs), `scorer`, `judge`, `router` and `gateway`."""
        return {child.name: child.process.pid for child in self.children}

    async def wait_for_failure(self) -> StackError:
        """Waits until a process ends and returns its error."""
        while True:
            for child in self.children:
                if child.ended:
                    return child.failure()
            await asyncio.sleep(POLL_INTERVAL_S)


@asynccontextmanager
async def running_stack(config: StackConfig) -> AsyncIterator[Stack]:
    """Runs the stack while the context is open; keeps its logs if a `StackError` ends it.

    Raises:
        StackError: A port is taken, or a process ends before it is ready or is not ready in time.
    """
    ports = _claim_ports(config)
    folder = Path(tempfile.mkdtemp(prefix="routemoa-"))
    keep_logs = False
    try:
        async with AsyncExitStack() as exits:
            yield await _Starter(config=config, ports=ports, folder=folder, exits=exits).start()
    except StackError:
        keep_logs = True
        raise
    finally:
        if not keep_logs:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Starter:
    """Starts the processes of one stack; `exits` stops them."""

    config: StackConfig
    ports: Mapping[str, int]
    folder: Path
    exits: AsyncExitStack

    async def start(self) -> Stack:
        """Starts every process and waits until all are ready."""
        config, addresses = self.config, {n: f"{HOST}:{p}" for n, p in self.ports.items()}
        children, simulator_url = [], None
        if "simulator" in self.ports:
            simulator_url = f"http://{addresses['simulator']}"
            arguments = config.simulator_arguments or _SIMULATED_POOL
            port = str(self.ports["simulator"])
            children.append(await self._child("simulator", {}, "--port", port, *arguments))
        artifact = {"ARTIFACT": str(config.artifact)} if config.artifact else {}
        children.append(await self._child("scorer", artifact))
        children.append(await self._child("judge", {}))
        router = {
            "POOL_FILE": str(config.pool_file or await self._simulated_pool(str(simulator_url))),
            "SCORER_ADDRESS": addresses["scorer"],
            "JUDGE_ADDRESS": addresses["judge"],
        }
        children.append(await self._child("router", router))
        front = {"ROUTER_ADDRESS": addresses["router"]}
        children.append(await self._child("gateway", front))
        await self._wait_until_ready(children)
        return Stack(
            router_address=addresses["router"],
            scorer_address=addresses["scorer"],
            judge_address=addresses["judge"],
            gateway_address=addresses["gateway"],
            simulator_url=simulator_url,
            children=tuple(children),
        )

    async def _child(self, name: str, settings: Mapping[str, str], *arguments: str) -> Child:
        port, log_file = self.ports[name], self.folder / f"{name}.log"
        common = {
            "LISTEN_ADDRESS": f"{HOST}:{port}",
            "DRAIN_TIMEOUT_S": "2",  # a person waits for it
        }
        variables = {f"ROUTEMOA_{name.upper()}_{k}": v for k, v in {**common, **settings}.items()}
        process = await launch(
            self.exits,
            f"services.{name}",
            *arguments,
            environment={**variables, **self.config.environment},
            log_file=log_file,
        )
        return Child(name=name, port=port, process=process, log_file=log_file)

    async def _simulated_pool(self, simulator_url: str) -> Path:
        pool_file, log_file = self.folder / "pool.yaml", self.folder / "pool.log"
        process = await launch(
            self.exits,
            "services.simulator",
            *("pool", "--url", simulator_url),
            environment=self.config.environment,
            log_file=log_file,
            output_file=pool_file,
        )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.config.start_timeout_s):
                await process.wait()
        if process.returncode != 0:
            raise StackError(f"the simulator cannot describe its pool:\n{log_tail(log_file)}")
        return pool_file

    async def _wait_until_ready(self, children: list[Child]) -> None:
        waiting, timeout_s = children, self.config.start_timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                while waiting := [child for child in waiting if not await _is_ready(child)]:
                    for child in children:
                        if child.ended:
                            raise child.failure()
                    await asyncio.sleep(POLL_INTERVAL_S)
        except TimeoutError:
            slow = waiting[0]
            text = f"{slow.name} was not ready within {timeout_s:g} s:\n{log_tail(slow.log_file)}"
            raise StackError(text) from None


async def _is_ready(child: Child) -> bool:
    over_http = child.name in ("simulator", "gateway")
    return await (child.listens() if over_http else child.serves())


def free_port() -> int:
    """Returns a port on loopback that nothing listens on now.

    Raises:
        OSError: There is none.
    """
    for port in random.sample(_PORTS, k=len(_PORTS)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _claim_ports(config: StackConfig) -> dict[str, int]:
    """Returns a port per process, all different, none of them in use."""
    wanted = {
        "scorer": config.scorer_port,
        "judge": config.judge_port,
        "router": config.router_port,
        "gateway": config.gateway_port,
    }
    if config.pool_file is None or config.simulator_arguments:
        wanted["simulator"] = config.simulator_port
    ports = {}
    with ExitStack() as probes:  # held until all are bound, so that all differ
        for name, port in wanted.items():
            probe = probes.enter_context(socket.socket())
            # A port in TIME_WAIT counts as free, a port with a listener does not.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port or free_port()))
            except OSError as error:
                raise _port_error(name, port, error) from None
            ports[name] = int(probe.getsockname()[1])
    return ports


def _port_error(name: str, port: int, error: OSError) -> StackError:
    if error.errno == errno.EADDRINUSE:
        return StackError(
            f"port {port} is taken: stop its process, or choose another with --{name}-port"
        )
    return StackError(f"the {name} cannot listen on port {port}: {os.strerror(error.errno or 0)}")
