"""Queries of a replayed pool -> the real services as processes -> outcomes."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from routemoa.cli.evaluation.outcome import Outcome, failed_outcome, read_outcome
from routemoa.cli.evaluation.pool_file import pool_yaml
from routemoa.cli.process import HOST
from routemoa.cli.stack import StackConfig, free_port, running_stack
from routemoa.client import RouteMoAClient
from routemoa.errors import RouteMoAError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from routemoa.cli.evaluation.replay_pool import Record, ReplayPool
    from routemoa.v1.router_service_pb2 import RoutingPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """How the queries are asked."""

    policy: RoutingPolicy
    artifact: Path | None
    """The scorer's artifact; None takes the one that it ships with."""
    concurrency: int
    timeout_s: float
    """How long one answer may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """The outcomes in the order of the queries, and what ranked."""

    outcomes: tuple[Outcome, ...]
    scorer_version: str
    scored_models: frozenset[str]
    """The pool's models that the scorer knows; the others rank by their mean train score."""


async def replay(
    pool: ReplayPool,
    records: Sequence[Record],
    options: ReplayOptions,
    *,
    on_outcome: Callable[[], None],
) -> ReplayResult:
    """Asks the router every query and calls ``on_outcome`` after each.

    Raises:
        StackError: If the services cannot be started.
    """
    outcomes: dict[str, Outcome] = {}

    async def work(client: RouteMoAClient, waiting: Iterator[Record]) -> None:
        for record in waiting:
            outcomes[record.id] = await _ask(client, record, options)
            on_outcome()

    with tempfile.TemporaryDirectory(prefix="routemoa-eval-") as folder:
        config = _stack_config(pool, Path(folder), options.artifact)
        async with (
            running_stack(config) as stack,
            RouteMoAClient(stack.router_address, scorer=stack.scorer_address) as client,
        ):
            scorer = await client.scorer_info(timeout_s=options.timeout_s)
            waiting = iter(records)
            async with asyncio.TaskGroup() as group:
                for _ in range(options.concurrency):
                    group.create_task(work(client, waiting))
    return ReplayResult(
        outcomes=tuple(outcomes[record.id] for record in records),
        scorer_version=scorer.scorer_version,
        scored_models=frozenset(pool.models) & frozenset(scorer.model_ids),
    )


def _stack_config(pool: ReplayPool, folder: Path, artifact: Path | None) -> StackConfig:
    port = free_port()
    pool_file = folder / "pool.yaml"
    pool_file.write_text(pool_yaml(pool, f"http://{HOST}:{port}/v1"), encoding="utf-8")
    arguments = ["--records", str(pool.records_file)]
    if pool.responses_file is not None:
        arguments += ["--responses", str(pool.responses_file)]
    if pool.pace is not None:
        arguments += pool.pace.simulator_arguments
    return StackConfig(
        pool_file=pool_file,
        artifact=artifact,
        simulator_arguments=tuple(arguments),
        simulator_port=port,
        # Replayed models answer at once; ranking is by the latencies that the pool file names.
        environment={"ROUTEMOA_ROUTER_LEARN_LATENCY": "false"},
    )


async def _ask(client: RouteMoAClient, record: Record, options: ReplayOptions) -> Outcome:
    first_ranked = None
    stream = client.stream(record.query, options.policy, timeout_s=options.timeout_s)
    try:
        async with aclosing(stream) as events:
            async for event in events:
                ranked = event.routing.ranked_models
                if event.routing.layer_number == 1 and ranked:
                    first_ranked = ranked[0].model_id
                if event.HasField("result"):
                    return read_outcome(record, first_ranked, event.result)
    except RouteMoAError as error:
        return failed_outcome(record, first_ranked, error.reason)
    return failed_outcome(record, first_ranked, "STREAM_WITHOUT_RESULT")
