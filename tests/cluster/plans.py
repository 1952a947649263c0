"""Asks for plans from a pod, as fast as they come, until its input ends: load that is CPU alone.

`python plans.py CALLERS ROUTER TOKEN` prints a line once a plan has come, and one JSON object at
its end: the number of plans, and that of calls that failed. Every question is a new one.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter

from routemoa import RouteMoAClient
from routemoa.errors import RouteMoAError

TIMEOUT_S = 30
WORDS = "why does every model of a pool answer some question about the sky better than others do"


async def ask(client: RouteMoAClient, caller: int, outcomes: Counter[str]) -> None:
    """Asks one question after another until it is cancelled."""
    number = 0
    while True:
        number += 1
        try:
            await client.route(f"{WORDS}, {caller}.{number}?", timeout_s=TIMEOUT_S)
        except RouteMoAError:
            outcomes["failed"] += 1
            await asyncio.sleep(0.2)
        else:
            outcomes["plans"] += 1
            if outcomes["plans"] == 1:
                sys.stdout.write("live\n")
                sys.stdout.flush()


async def main(callers: int, router: str, token: str) -> None:
    """Asks until the input ends."""
    outcomes = Counter(plans=0, failed=0)
    async with (
        RouteMoAClient(router, token=lambda: token, plaintext_token=True) as client,
        asyncio.TaskGroup() as group,
    ):
        asking = [group.create_task(ask(client, n, outcomes)) for n in range(callers)]
        await asyncio.to_thread(sys.stdin.read)
        for task in asking:
            task.cancel()
    sys.stdout.write(json.dumps(outcomes) + "\n")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), *sys.argv[2:]))
