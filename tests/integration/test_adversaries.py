"""Models that lie, collude or flatter gain nothing: a small version of `tests.bench.adversaries`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from routemoa.client import RouteMoAClient
from tests.bench.adversaries.game import PRIORS, Players
from tests.bench.adversaries.measurement import play
from tests.bench.adversaries.scenarios import FIVE, SCENARIOS, THREE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.bench.adversaries.measurement import Outcome
    from tests.integration.conftest import StartRouter

pytestmark = pytest.mark.timeout(300)
NUMBERS = range(40)
LIARS = ("one-of-three", "two-of-three", "promoter", "injection", "forgery", "flips", "padding")
MOST_LOST = 2
"""Right answers of 40 that a liar may cost `routemoa`: on a busy machine replies change order."""


@pytest.fixture
async def client(start_router: StartRouter) -> AsyncIterator[RouteMoAClient]:
    players = Players()
    scripts = dict.fromkeys(players.models, players.reply)
    scores = {model: PRIORS.get(model, 0.0) for model in players.models}
    clones = {model: {"backend_model": "clone"} for model in PRIORS if model not in FIVE}
    router = await start_router(scripts, scores, models=clones, learn_latency=False)
    async with RouteMoAClient(router.address) as client:
        yield client


async def played(client: RouteMoAClient, scenario: str, strategy: str) -> list[Outcome]:
    return await play(client, scenario, strategy, NUMBERS, callers=4)


def right(outcomes: list[Outcome]) -> int:
    return sum(each.is_right for each in outcomes)


async def test_what_a_liar_says_costs_the_default_strategy_nothing(client: RouteMoAClient) -> None:
    honest = await played(client, "three", "routemoa")
    assert right(honest) > len(NUMBERS) / 2
    for scenario in LIARS:
        assert right(await played(client, scenario, "routemoa")) >= right(honest) - MOST_LOST


async def test_a_liar_among_models_that_disagree_does_not_write_the_answer(
    client: RouteMoAClient,
) -> None:
    lied = await played(client, "lying-dissent", "routemoa")
    assert sum(each.by_attacker for each in lied) <= 1


async def test_a_model_under_three_ids_of_one_backend_model_counts_once(
    client: RouteMoAClient,
) -> None:
    once = await played(client, "clone", "routemoa")
    thrice = await played(client, "declared", "routemoa")
    assert abs(right(thrice) - right(once)) <= MOST_LOST
    assert sum(each.is_captured for each in thrice) <= sum(e.is_captured for e in once) + MOST_LOST


async def test_questions_without_an_answer_end_within_the_limits(client: RouteMoAClient) -> None:
    waver = await played(client, "wavering", "routemoa")
    assert max(each.calls for each in waver) <= len(FIVE)
    layered = await played(client, "wavering", "layers")
    assert max(each.calls for each in layered) <= 3 * len(THREE) + 1


async def test_a_liar_seldom_writes_a_wrong_answer_of_layers(client: RouteMoAClient) -> None:
    for scenario in ("one-of-three", "promoter", "forgery"):
        outcomes = await played(client, scenario, "layers")
        wrong_alone = len(NUMBERS) * (1 - SCENARIOS[scenario].accuracy("m2"))
        assert sum(each.is_captured for each in outcomes) < wrong_alone / 2
