"""`routemoa demo`: asks the whole system questions of several domains, on a simulated pool."""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from routemoa.cli.command import run
from routemoa.cli.failures import EXIT_FAILURE, describe
from routemoa.cli.terminal import open_console, printable, seconds, span, usd
from routemoa.cli.view import AnswerView
from routemoa.client import RouteMoAClient
from routemoa.errors import RouteMoAError
from routemoa.v1 import router_service_pb2 as router_pb2
from services.local.stack import StackConfig, running_stack
from services.local.up import SIMULATED_NOTICE, Artifact, openai_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from routemoa.v1.model_pb2 import Model

TIMEOUT_S = 30.0
COLUMNS_NOTE = """\
score: the chance that a model answers well; utility: that, less its price and time.
prior: the score; self: the model's score of its own answer; cross: the other models' scores of it;
posterior: all of them together."""
NEXT_STEPS = "To keep the services running and ask your own questions: routemoa up"
ESTIMATE_NOTE = """\
pool once: estimate of one call to every model of the pool, without merging.
pool layers: estimate of the same layers with every model in each, and the same aggregator.
Both estimates take each model's prices and the mean tokens of the calls that were made.
saved: compared with pool layers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoQuestion:
    """A question of the simulator's question bank."""

    domain: str
    text: str


QUESTIONS = (
    DemoQuestion(domain="maths", text="What is the sum of the first 100 positive integers?"),
    DemoQuestion(domain="code", text="In Python, what does [1, 2, 3][-1:] evaluate to?"),
    DemoQuestion(domain="law", text="In contract law, what is consideration?"),
    DemoQuestion(domain="biology", text="Which organelle makes most of the ATP in an animal cell?"),
    DemoQuestion(domain="history", text="Which treaty ended the Thirty Years' War, and when?"),
    DemoQuestion(domain="physics", text="Why is the sky blue?"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAnswer:
    """The answer to one question, and the estimated costs of the whole pool."""

    question: DemoQuestion
    result: router_pb2.GenerateAnswerResponse | None
    """None if the question failed."""
    pool_once_usd: float = 0.0
    """Estimated cost of calling every model of the pool once."""
    pool_layers_usd: float = 0.0
    """Estimated cost of the same layers with every model in each, and the same aggregator."""


def demo(*, artifact: Artifact = None) -> None:
    """Starts everything on a simulated pool, asks it questions, shows the answers and stops."""
    work = demonstrate(open_console(), StackConfig(artifact=artifact))
    run(work, address="the demo's router", as_json=False)


async def demonstrate(console: Console, config: StackConfig) -> int:
    """Runs the demo and returns its exit code: 1 if a question failed."""
    console.print(Text("RouteMoA demo", style="bold"))
    console.print(Text(SIMULATED_NOTICE, style="bold yellow"))
    started_s = time.monotonic()
    async with running_stack(config) as stack:
        console.print(f"Services ready after {span(time.monotonic() - started_s)}.")
        console.print(Text("While this runs, OpenAI's API is served, too:", style="dim"))
        for line in openai_environment(stack):
            console.print(Text(f"  {line}", style="dim"))
        console.print(Text(COLUMNS_NOTE, style="dim"))
        async with RouteMoAClient(stack.router_address) as client:
            answers = await _ask_all(console, client, stack.router_address)
    console.print()
    console.print(summary_table(answers))
    console.print(Text(ESTIMATE_NOTE, style="dim"))
    console.print(Text(NEXT_STEPS))
    return EXIT_FAILURE if any(answer.result is None for answer in answers) else 0


async def _ask_all(console: Console, client: RouteMoAClient, address: str) -> list[DemoAnswer]:
    pool = await client.models()
    answers = []
    for number, question in enumerate(QUESTIONS, start=1):
        console.print()
        console.rule(Text(f"{number}/{len(QUESTIONS)}  {question.domain}"), align="left")
        console.print(Text(question.text, style="bold"))
        view = AnswerView(console, max_ranking_rows=4)
        try:
            stream = client.stream(
                question.text, full_ranking=True, full_result=True, timeout_s=TIMEOUT_S
            )
            async with aclosing(stream) as events:
                result = await view.show(events)
        except RouteMoAError as error:
            console.print(describe(error, address).as_text())
            answers.append(DemoAnswer(question=question, result=None))
            continue
        answers.append(estimate_costs(question, result, pool))
    return answers


def whole_pool_cost_usd(pool: Sequence[Model], calls: Sequence[router_pb2.UsageEntry]) -> float:
    """Returns the estimated cost of calling every model of the pool instead of these calls.

    Each model is charged its own prices for the mean tokens of the calls that brought a whole reply,
    as if every model read the same prompt and wrote a reply of the same length.
    """
    whole = [call for call in calls if call.status == router_pb2.CALL_STATUS_OK]
    if not whole:
        return 0.0
    prompt_tokens = fmean(call.prompt_token_count for call in whole)
    completion_tokens = fmean(call.completion_token_count for call in whole)
    return (
        sum(
            prompt_tokens * model.prompt_price_usd_per_million_tokens
            + completion_tokens * model.completion_price_usd_per_million_tokens
            for model in pool
        )
        / 1e6
    )


def estimate_costs(
    question: DemoQuestion, result: router_pb2.GenerateAnswerResponse, pool: Sequence[Model]
) -> DemoAnswer:
    """Returns the answer with the estimated costs of the whole pool."""
    layers_usd = [whole_pool_cost_usd(pool, layer.usage) for layer in result.layers]
    aggregation_usd = sum(
        entry.cost_usd
        for entry in result.usage
        if entry.purpose == router_pb2.CALL_PURPOSE_AGGREGATION
    )
    return DemoAnswer(
        question=question,
        result=result,
        pool_once_usd=layers_usd[0] if layers_usd else 0.0,
        pool_layers_usd=sum(layers_usd) + aggregation_usd,
    )


def summary_table(answers: Sequence[DemoAnswer]) -> Table:
    """Returns one row per question and the totals."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("question", no_wrap=True)
    table.add_column("answered by", overflow="fold")
    for name in ("calls", "cost", "pool once", "pool layers", "saved", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    for answer in answers:
        result = answer.result
        if result is None:
            table.add_row(answer.question.domain, Text("failed", style="red"))
            continue
        table.add_row(
            answer.question.domain,
            Text(printable(result.answer.model_id)),
            str(len(result.usage)),
            *_costs(result.cost_usd, answer.pool_once_usd, answer.pool_layers_usd),
            span(seconds(result.timing.total_duration)),
        )
    results = [answer.result for answer in answers if answer.result is not None]
    table.add_row(
        f"{len(results)} of {len(answers)}",
        "",
        str(sum(len(result.usage) for result in results)),
        *_costs(
            sum(result.cost_usd for result in results),
            sum(answer.pool_once_usd for answer in answers),
            sum(answer.pool_layers_usd for answer in answers),
        ),
        style="bold",
    )
    return table


def _costs(cost_usd: float, pool_once_usd: float, pool_layers_usd: float) -> tuple[str, ...]:
    """Returns the costs and the share saved, which is negative if nothing was."""
    saved = f"{1 - cost_usd / pool_layers_usd:.0%}" if pool_layers_usd else "-"
    return usd(cost_usd), usd(pool_once_usd), usd(pool_layers_usd), saved
