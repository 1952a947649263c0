"""Asks the services which model each query gets; no model runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from routemoa.client import RouteMoAClient
from routemoa.v1.router_service_pb2 import RoutingPolicy
from services.local.stack import running_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from services.evaluation.arena.files import ArenaQuery
    from services.local.stack import StackConfig

CALLERS = 8
TIMEOUT_S = 60.0
FIRST_RANKED = RoutingPolicy(strategy="single", max_layer_model_count=1)
"""RouterArena gives each query to one model."""


async def choices(
    config: StackConfig, queries: Sequence[ArenaQuery], *, on_choice: Callable[[], None]
) -> dict[str, str]:
    """Returns the id of the model that is ranked first, by the id of the query.

    Raises:
        StackError: The services cannot be started.
        RouteMoAError: A query cannot be routed.
    """
    found: dict[str, str] = {}

    async def work(client: RouteMoAClient, waiting: Iterator[ArenaQuery]) -> None:
        for query in waiting:
            response = await client.route(query.prompt, FIRST_RANKED, timeout_s=TIMEOUT_S)
            found[query.id] = response.selected_model_ids[0]
            on_choice()

    waiting = iter(queries)
    async with running_stack(config) as stack, RouteMoAClient(stack.router_address) as client:
        await asyncio.gather(*(work(client, waiting) for _ in range(CALLERS)))
    return found
