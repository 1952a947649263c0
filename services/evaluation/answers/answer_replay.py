"""Recorded queries -> the real services as processes -> a result per query."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from routemoa.client import RouteMoAClient
from routemoa.errors import RouteMoAError
from services.evaluation.answers.pool_file import pool_yaml
from services.evaluation.answers.query_result import QueryResult, read_result
from services.local.process import HOST
from services.local.stack import StackConfig, free_port, running_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from routemoa.v1.router_service_pb2 import RoutingPolicy
    from services.evaluation.answers.recorded_pool import RecordedPool, RecordedQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """Options of a replay."""

    policy: RoutingPolicy
    artifact: Path | None
    """The scorer's artifact; None for the one that is shipped."""
    concurrency: int
    timeout_s: float
    """Time limit of one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The results in the order of the queries, and the scorer that ranked."""

    results: tuple[QueryResult, ...]
    scorer_version: str
    scored_models: frozenset[str]
    """The pool's models that the scorer knows; the others rank by their mean train score."""


async def replay_answers(
    pool: RecordedPool,
    queries: Sequence[RecordedQuery],
    options: ReplayOptions,
    *,
    on_result: Callable[[], None],
) -> Replay:
    """Asks the router every query and calls ``on_result`` after each.

    Raises:
        StackError: The services cannot be started.
    """
    results: dict[str, QueryResult] = {}

    async def work(client: RouteMoAClient, waiting: Iterator[RecordedQuery]) -> None:
        for query in waiting:
            results[query.id] = await _ask(client, query, options)
            on_result()

    with tempfile.TemporaryDirectory(prefix="routemoa-eval-") as folder:
        config = _stack_config(pool, Path(folder), options.artifact)
        async with (
            running_stack(config) as stack,
            RouteMoAClient(stack.router_address, scorer=stack.scorer_address) as client,
        ):
            scorer = await client.scorer_info(timeout_s=options.timeout_s)
            waiting = iter(queries)
            async with asyncio.TaskGroup() as group:
                for _ in range(options.concurrency):
                    group.create_task(work(client, waiting))
    return Replay(
        results=tuple(results[query.id] for query in queries),
        scorer_version=scorer.scorer_version,
        scored_models=frozenset(pool.models) & frozenset(scorer.model_ids),
    )


def _stack_config(pool: RecordedPool, folder: Path, artifact: Path | None) -> StackConfig:
    port = free_port()
    pool_file = folder / "pool.yaml"
    pool_file.write_text(pool_yaml(pool, f"http://{HOST}:{port}/v1"), encoding="utf-8")
    arguments = ["--records", str(pool.records_file)]
    if pool.responses_file is not None:
        arguments += ["--responses", str(pool.responses_file)]
    if pool.pacing is not None:
        arguments += pool.pacing.simulator_arguments
    return StackConfig(
        pool_file=pool_file,
        artifact=artifact,
        simulator_arguments=tuple(arguments),
        simulator_port=port,
        # Measured latencies of replayed models would mislead: rank by those of the pool file.
        environment={"ROUTEMOA_ROUTER_LEARN_LATENCY": "false"},
    )


async def _ask(client: RouteMoAClient, query: RecordedQuery, options: ReplayOptions) -> QueryResult:
    first_ranked, reason = None, "STREAM_WITHOUT_RESULT"
    stream = client.stream(
        query.query, options.policy, full_result=True, timeout_s=options.timeout_s
    )
    try:
        async with aclosing(stream) as events:
            async for event in events:
                ranked = event.routing.ranked_models
                if event.routing.layer_number == 1 and ranked:
                    first_ranked = ranked[0].model_id
                if event.HasField("result"):
                    return read_result(query, first_ranked, event.result)
    except RouteMoAError as error:
        reason = error.reason
    return QueryResult(query=query, first_ranked_model=first_ranked, error_reason=reason)
