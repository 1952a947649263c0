"""`python -m tests.load`: loads the unary methods of a whole stack with ghz, for a short while each.

stack on loopback -> per method and concurrency: warm-up, then ghz -> Markdown table
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.local.stack import Stack, StackConfig, running_stack
from tests.bench.page_head import page_head
from tests.load.tool import SOURCES, installed

if TYPE_CHECKING:
    from collections.abc import Sequence

QUERY = (
    "A train leaves at nine at 80 km/h, another at ten at 120 km/h. When do they meet, and where?"
)
ANSWERS = [
    {"model_id": name, "self_score": 0.8, "grades": [{"model_id": "d", "score": 0.5}]}
    for name in "abc"
]
PRIORS = [{"model_id": name, "score": 0.6} for name in "abcd"]
BATCH_REQUEST_COUNT = 8
CONCURRENCIES = (1, 32)
WARM_UP_S = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A method to load, and the request that does it."""

    service: str
    method: str
    request: dict[str, object]

    @property
    def call(self) -> str:
        """The method's full name."""
        return f"routemoa.v1.{self.service.title()}Service/{self.method}"


TARGETS = (
    Target(service="scorer", method="RankModels", request={"query": QUERY}),
    Target(
        service="scorer",
        method="BatchRankModels",
        request={"requests": [{"query": QUERY}] * BATCH_REQUEST_COUNT},
    ),
    Target(service="scorer", method="GetScorerInfo", request={}),
    Target(
        service="router",
        method="RouteQuery",
        request={"messages": [{"role": "ROLE_USER", "content": QUERY}]},
    ),
    Target(service="router", method="ListModels", request={}),
    Target(service="router", method="GetRouterInfo", request={}),
    Target(
        service="router",
        method="GenerateAnswer",
        request={"messages": [{"role": "ROLE_USER", "content": QUERY}]},
    ),
    Target(
        service="judge",
        method="AssessAnswers",
        request={
            "answers": ANSWERS,
            "previous_answers": [{"model_id": "d"}],
            "prior_scores": PRIORS,
        },
    ),
)


async def load(ghz: str, target: Target, address: str, concurrency: int, span_s: float) -> str:
    """Returns a row of the table."""
    await run(ghz, target, address, concurrency, WARM_UP_S)
    report = json.loads(await run(ghz, target, address, concurrency, span_s))
    latency_ms = {
        item["percentage"]: item["latency"] / 1e6 for item in report["latencyDistribution"]
    }
    codes = report["statusCodeDistribution"]
    failed = sum(count for code, count in codes.items() if code != "OK")
    cells = (
        target.method,
        f"{concurrency}",
        f"{report['rps']:.0f}",
        f"{latency_ms[50]:.2f}",
        f"{latency_ms[99]:.2f}",
        f"{report['count']}",
        f"{failed}",
    )
    return f"| {' | '.join(cells)} |"


async def run(ghz: str, target: Target, address: str, concurrency: int, span_s: float) -> bytes:
    """Runs ghz and returns its report.

    Raises:
        RuntimeError: It failed; its messages were printed.
    """
    process = await asyncio.create_subprocess_exec(
        *(ghz, "--insecure", "--format", "json", "--call", target.call),
        *("--data", json.dumps(target.request), "--disable-template-data"),
        *("--concurrency", str(concurrency), "--duration", f"{span_s}s", "--duration-stop", "wait"),
        *("--count-errors", address),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    if process.returncode:
        message = f"ghz exited with status {process.returncode}"
        raise RuntimeError(message)
    return output


async def measured(ghz: str, span_s: float) -> Sequence[str]:
    """Returns the rows, on a stack that lives as long."""
    async with running_stack(StackConfig()) as stack:
        return [
            await load(ghz, target, address_of(stack, target), concurrency, span_s)
            for target in TARGETS
            for concurrency in CONCURRENCIES
        ]


def address_of(stack: Stack, target: Target) -> str:
    """Returns where a target's service listens."""
    addresses = {
        "scorer": stack.scorer_address,
        "router": stack.router_address,
        "judge": stack.judge_address,
    }
    return addresses[target.service]


def report_of(rows: Sequence[str], span_s: float) -> str:
    """Returns the report in Markdown."""
    ghz = SOURCES["ghz"].rpartition("/")[2]
    heading = page_head(
        "Every unary method under ghz",
        "How many calls per second does each method answer, and how fast?",
        f"""Command: `make load`, with `{ghz}`. Setting: {platform.machine()}, {os.cpu_count()} cores
        shared by ghz and the services; closed loop, one connection, {span_s:g} s per row after
        {WARM_UP_S} s of warm-up; one process per service with its default settings.""",
        f"""Queries have {len(QUERY)} characters, a batch has {BATCH_REQUEST_COUNT}. All queries are
        the same, so the scorer answers from its cache; [scorer-ghz](scorer-ghz.md) is without cache.
        RouteQuery asks the scorer once per call and runs no model. GenerateAnswer waits for the
        simulated pool, so its latency is that of the models. AssessAnswers judges three answers.""",
    )
    columns = (
        "| method | concurrency | requests/s | p50 ms | p99 ms | requests | failed |\n"
        "|---|---|---|---|---|---|---|\n"
    )
    return heading + columns + "\n".join(rows) + "\n"


def main() -> None:
    """Reads the command line, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.load")
    parser.add_argument("--span-s", type=float, default=8.0, help="seconds per measurement")
    parser.add_argument("--markdown", type=Path, help="file to write the report to")
    options = parser.parse_args()
    rows = asyncio.run(measured(installed("ghz"), options.span_s))
    report = report_of(rows, options.span_s)
    sys.stdout.write(report)
    if options.markdown:
        options.markdown.parent.mkdir(parents=True, exist_ok=True)
        options.markdown.write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
