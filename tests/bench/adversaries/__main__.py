"""Plays every scenario through the real services, and writes the page.

`python -m tests.bench.adversaries --markdown docs/benchmarks/adversaries.md`. Router, judge, scorer and
gateway are processes of their own; the models are one backend in this process, behind a socket.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from routemoa.client import RouteMoAClient
from services.local.stack import StackConfig, running_stack
from services.simulator import running_simulator
from tests.bench.adversaries.game import Players, pool_yaml
from tests.bench.adversaries.measurement import STRATEGIES, VOTE, rows
from tests.bench.adversaries.scenarios import SCENARIOS
from tests.bench.page_head import page_head

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scorer.measures.intervals import Interval
    from tests.bench.adversaries.measurement import Row

ANSWER_SCORER = Path("scorer/artifacts/answers").resolve()
READ = "padding"
"""The scenario that is also played with the answer scorer."""
HEAD = """\
| scenario | answered by | right, % | change, points | captured, % | calls | most calls |
|---|---|---|---|---:|---:|---:|
"""


async def measure(
    scenarios: Sequence[str], queries: int, callers: int, *, reads_texts: bool
) -> list[Row]:
    """Starts the services, and returns the rows.

    Raises:
        StackError: The services cannot be started.
    """
    environment = {"ROUTEMOA_ROUTER_LEARN_LATENCY": "false"}
    if reads_texts:
        environment["ROUTEMOA_JUDGE_ANSWER_ARTIFACT"] = str(ANSWER_SCORER)
    with tempfile.TemporaryDirectory(prefix="routemoa-adversaries-") as folder:
        async with running_simulator(Players()) as simulator:
            pool_file = Path(folder) / "pool.yaml"
            pool_file.write_text(pool_yaml(simulator.url), encoding="utf-8")
            config = StackConfig(
                pool_file=pool_file, environment=environment, start_timeout_s=300.0
            )
            async with (
                running_stack(config) as stack,
                RouteMoAClient(stack.router_address) as client,
            ):
                return await rows(client, scenarios, range(queries), callers=callers)


def report(found: Sequence[Row], read: Sequence[Row], queries: int) -> str:
    """Returns the page."""
    head = page_head(
        "Models that lie, collude or flatter",
        "How many right answers does an attack cost, and how often does an attacker write a wrong one?",
        f"""Command: `python -m tests.bench.adversaries`. Setting: {queries} questions with four
        options per row, through router, judge and scorer as processes; the models are simulated,
        with prior scores that are true (`tests/bench/adversaries`). *Change* is the paired
        difference to honest models in the same pool, *captured* the share of answers that are wrong
        and written by an attacker. Brackets are 95 % intervals, by bootstrap over the questions.""",
        """Honest models answer as well as they can, score themselves by their accuracy, and keep to
        the majority of what they read. They grade right answers 0.60 and wrong ones 0.45 on average,
        with a spread of 0.20. Attackers answer as well as they can too, and lie in their scores.
        But the one who is honest until it matters gives a wrong answer to every fifth question, and
        colluders agree on one answer.""",
        f"""Beside {", ".join(f"`{name}`" for name in STRATEGIES)} stands a {VOTE} of all models, each
        of which is asked once.""",
    )
    text = head + HEAD + "".join(map(_line, found))
    text += "\n## With the answer scorer\n\nThe judge reads the texts too.\n\n"
    return text + HEAD + "".join(map(_line, read))


def _line(each: Row) -> str:
    way = each.way if each.way == VOTE else f"`{each.way}`"
    return (
        f"| {SCENARIOS[each.scenario].title} | {way} | {_percent(each.right)} "
        f"| {'' if each.change is None else _points(each.change)} "
        f"| {100 * each.captured:.1f} | {each.mean_calls:.2f} | {each.most_calls} |\n"
    )


def _percent(share: Interval) -> str:
    return f"{100 * share.mean:.1f} [{100 * share.low:.1f}, {100 * share.high:.1f}]"


def _points(gain: Interval) -> str:
    return f"{100 * gain.mean:+.1f} [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}]"


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--callers", type=int, default=4)
    parser.add_argument("--scenario", action="append", choices=list(SCENARIOS), help="default: all")
    parser.add_argument("--markdown", type=Path, help="page to write")
    options = parser.parse_args()
    scenarios = options.scenario or list(SCENARIOS)
    # The router ends calls that it no longer needs; the backend would log each.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)

    async def both() -> tuple[list[Row], list[Row]]:
        found = await measure(scenarios, options.queries, options.callers, reads_texts=False)
        read = await measure([READ], options.queries, options.callers, reads_texts=True)
        return found, read

    found, read = asyncio.run(both())
    text = report(found, read, options.queries)
    sys.stdout.write(text)
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
