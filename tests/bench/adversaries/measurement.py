"""Asks the router the questions of every scenario, and compares what came of it with honest models."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from routemoa.errors import RouteMoAError
from routemoa.v1.router_service_pb2 import RoutingPolicy
from services.evaluation.report.estimates import estimate_difference, estimate_mean
from services.simulator.call import Message, read_call
from tests.bench.adversaries.behaviours import said_letter
from tests.bench.adversaries.game import Players, vote
from tests.bench.adversaries.questions import question, right_letter
from tests.bench.adversaries.scenarios import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from routemoa.client import RouteMoAClient
    from scorer.measures.intervals import Interval

STRATEGIES = ("routemoa", "layers", "moa")
VOTE = "majority vote"
SEED = 1
TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One question, answered."""

    is_right: bool
    by_attacker: bool
    calls: int

    @property
    def is_captured(self) -> bool:
        """True if an attacker wrote the answer, and it is wrong."""
        return self.by_attacker and not self.is_right


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What an attack on one way of answering came to."""

    scenario: str
    way: str
    right: Interval
    change: Interval | None
    """Share of right answers less that without an attack; None without one."""
    captured: float
    """Share of answers that are wrong, and an attacker's."""
    mean_calls: float
    most_calls: int


async def play(
    client: RouteMoAClient, scenario: str, strategy: str, numbers: Sequence[int], *, callers: int
) -> list[Outcome]:
    """Returns the outcome of each question."""
    outcomes: dict[int, Outcome] = {}
    waiting = iter(numbers)

    async def work() -> None:
        for number in waiting:
            outcomes[number] = await _ask(client, scenario, strategy, number)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(callers):
            tasks.create_task(work())
    return [outcomes[number] for number in numbers]


async def _ask(client: RouteMoAClient, scenario: str, strategy: str, number: int) -> Outcome:
    setting = SCENARIOS[scenario]
    policy = RoutingPolicy(strategy=strategy, model_ids=setting.models)
    try:
        result = await client.answer(question(scenario, number), policy, timeout_s=TIMEOUT_S)
    except RouteMoAError:
        return Outcome(is_right=False, by_attacker=False, calls=0)
    return Outcome(
        is_right=said_letter(result.answer.text) == right_letter(number),
        by_attacker=result.answer.model_id in setting.attackers,
        calls=len(result.usage),
    )


def votes(scenario: str, numbers: Sequence[int]) -> list[Outcome]:
    """Returns the outcomes of a vote of all models of a scenario, each of which is asked once."""
    setting, players = SCENARIOS[scenario], Players()

    def voted(number: int) -> Outcome:
        message = Message(role="user", content=question(scenario, number))
        texts = [players.reply(read_call(m, [message])).text for m in setting.models]
        letter = vote(texts)
        authors = [
            m for m, t in zip(setting.models, texts, strict=True) if said_letter(t) == letter
        ]
        return Outcome(
            is_right=letter == right_letter(number),
            by_attacker=authors[0] in setting.attackers,
            calls=len(texts),
        )

    return [voted(number) for number in numbers]


def row(scenario: str, way: str, outcomes: Sequence[Outcome], honest: Sequence[Outcome]) -> Row:
    """Returns the row of outcomes beside those of honest models on the same questions."""
    right = [float(each.is_right) for each in outcomes]
    change = None
    if SCENARIOS[scenario].attackers and outcomes is not honest:
        change = estimate_difference(right, [float(each.is_right) for each in honest], seed=SEED)
    return Row(
        scenario=scenario,
        way=way,
        right=estimate_mean(right, seed=SEED),
        change=change,
        captured=fmean(each.is_captured for each in outcomes),
        mean_calls=fmean(each.calls for each in outcomes),
        most_calls=max(each.calls for each in outcomes),
    )


async def rows(
    client: RouteMoAClient, scenarios: Sequence[str], numbers: Sequence[int], *, callers: int
) -> list[Row]:
    """Returns a row per scenario and way; the baselines that are needed are among them."""
    wanted = dict.fromkeys([*(SCENARIOS[name].baseline for name in scenarios), *scenarios])
    played: dict[tuple[str, str], list[Outcome]] = {}
    found = []
    for name in wanted:
        by_way: Mapping[str, list[Outcome]] = {
            strategy: await play(client, name, strategy, numbers, callers=callers)
            for strategy in STRATEGIES
        }
        for way, outcomes in {**by_way, VOTE: votes(name, numbers)}.items():
            played[name, way] = outcomes
            found.append(row(name, way, outcomes, played[SCENARIOS[name].baseline, way]))
    return found
