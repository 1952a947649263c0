"""Cached queries, queries shared by several callers, and queries whose callers are cancelled."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from services.scorer.cache import ScoreCache
from services.scorer.outcome import ScoredQuery, Timing

if TYPE_CHECKING:
    from collections.abc import Sequence

WAIT_S = 60
TIMING = Timing(queue_s=1.0, tokenization_s=2.0, inference_s=3.0)


def outcome(text: str) -> ScoredQuery:
    """Returns an outcome whose score is the length of the text."""
    return ScoredQuery(
        scores=np.array([len(text.strip())], dtype=np.float32),
        class_weights=np.ones(1, dtype=np.float32),
        completion_tokens=None,
        uncertainty=0.0,
        truncated=False,
        timing=TIMING,
    )


class Scores:
    """Scores texts once the gate is open, and records them."""

    def __init__(self, *, held: bool = False) -> None:
        self.asked: list[list[str]] = []
        self.cancelled = 0
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        if not held:
            self.gate.set()

    async def __call__(
        self, texts: Sequence[str], remaining_s: float | None = None
    ) -> list[ScoredQuery]:
        self.asked.append(list(texts))
        self.begun.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if any(text.startswith("bad") for text in texts):
            raise RuntimeError("bad")
        return [outcome(text) for text in texts]


def lengths(outcomes: Sequence[ScoredQuery]) -> list[int]:
    return [int(each.scores[0]) for each in outcomes]


async def test_a_query_asked_again_is_not_scored_again_and_took_no_time() -> None:
    scores = Scores()
    cache = ScoreCache(scores, 10)
    (first,) = await cache.score(["abc"])
    (second,) = await cache.score([" abc\n"])
    assert scores.asked == [["abc"]]
    assert lengths([first, second]) == [3, 3]
    assert first.timing == TIMING
    assert second.timing == Timing(queue_s=0, tokenization_s=0, inference_s=0)


async def test_equal_queries_of_tenants_share_neither_a_score_nor_a_scoring() -> None:
    scores = Scores(held=True)
    cache = ScoreCache(scores, 10)
    salts = ("", "a", "b")
    async with asyncio.TaskGroup() as tasks:
        for salt in (*salts, *salts):
            tasks.create_task(cache.score(["abc"], salt=salt))
        await scores.begun.wait()
        scores.gate.set()
    assert scores.asked == [["abc"]] * 3
    for salt in salts:
        await cache.score([" abc"], salt=salt)
    assert len(scores.asked) == 3
    await cache.score(["abc"], salt="c")
    assert len(scores.asked) == 4


async def test_the_least_recently_used_query_is_evicted_first() -> None:
    scores = Scores()
    cache = ScoreCache(scores, 2)
    for text in ("a", "bb", "a", "ccc", "a", "bb"):
        await cache.score([text])
    assert scores.asked == [["a"], ["bb"], ["ccc"], ["bb"]]


async def test_callers_with_the_same_query_at_the_same_time_share_one_scoring() -> None:
    scores = Scores(held=True)
    cache = ScoreCache(scores, 10)
    async with asyncio.TaskGroup() as tasks:
        one = tasks.create_task(cache.score(["abc", "d"]))
        await scores.begun.wait()
        other = tasks.create_task(cache.score(["d", "ef", "abc"]))
        await asyncio.sleep(0)
        scores.gate.set()
    assert scores.asked == [["abc", "d"], ["ef"]]
    assert lengths(await one) == [3, 1]
    assert lengths(await other) == [1, 2, 3]


async def test_cached_joined_and_new_queries_are_counted() -> None:
    def counts() -> list[float]:
        name = "routemoa_scorer_cache_queries_total"
        outcomes = ("hit", "join", "miss")
        return [REGISTRY.get_sample_value(name, {"outcome": each}) or 0.0 for each in outcomes]

    cache, before = ScoreCache(Scores(), 10), counts()
    await asyncio.gather(cache.score(["a", "b"]), cache.score(["a"]))
    await cache.score(["b", "b", "c"])
    assert [now - then for now, then in zip(counts(), before, strict=True)] == [2, 1, 3]


async def test_a_cancelled_caller_leaves_the_scoring_to_the_others() -> None:
    scores = Scores(held=True)
    cache = ScoreCache(scores, 10)
    leader = asyncio.create_task(cache.score(["abc"]))
    await scores.begun.wait()
    follower = asyncio.create_task(cache.score(["abc"]))
    await asyncio.sleep(0)
    leader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leader
    scores.gate.set()
    assert lengths(await asyncio.wait_for(follower, WAIT_S)) == [3]
    assert scores.cancelled == 0


async def test_a_scoring_without_callers_is_cancelled_and_not_joined() -> None:
    scores = Scores(held=True)
    cache = ScoreCache(scores, 10)
    callers = [asyncio.create_task(cache.score(["abc"])) for _ in range(2)]
    await scores.begun.wait()
    for caller in callers:
        caller.cancel()
    await asyncio.wait(callers)
    late = asyncio.create_task(cache.score(["abc"]))  # before the stopped scoring has ended
    await asyncio.sleep(0)
    scores.gate.set()
    assert lengths(await asyncio.wait_for(late, WAIT_S)) == [3]
    assert scores.cancelled == 1


async def test_a_caller_that_comes_as_the_last_one_is_cancelled_gets_its_scores() -> None:
    scores = Scores(held=True)
    cache = ScoreCache(scores, 10)
    caller = asyncio.create_task(cache.score(["abc"]))
    await scores.begun.wait()
    caller.cancel()
    late = asyncio.create_task(cache.score(["abc"]))
    await asyncio.sleep(0)
    scores.gate.set()
    assert lengths(await asyncio.wait_for(late, WAIT_S)) == [3]


async def test_an_error_without_callers_left_is_not_logged_by_asyncio() -> None:
    reported: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    scores = Scores(held=True)
    cache = ScoreCache(scores, 10)
    first = asyncio.create_task(cache.score(["bad"]))
    await scores.begun.wait()
    both = asyncio.create_task(cache.score(["bad", "bad, too"]))
    await asyncio.sleep(0)
    scores.gate.set()
    await asyncio.wait([first, both])
    assert isinstance(first.exception(), RuntimeError)
    assert isinstance(both.exception(), RuntimeError)
    del first, both
    gc.collect()
    assert reported == []


async def test_an_error_is_raised_to_every_caller_and_is_not_cached() -> None:
    scores = Scores(held=True)
    cache = ScoreCache(scores, 10)
    callers = [asyncio.create_task(cache.score(["bad"])) for _ in range(2)]
    await scores.begun.wait()
    scores.gate.set()
    for caller in callers:
        with pytest.raises(RuntimeError, match="bad"):
            await asyncio.wait_for(caller, WAIT_S)
    with pytest.raises(RuntimeError, match="bad"):
        await cache.score(["bad"])
    assert scores.asked == [["bad"], ["bad"]]


@settings(deadline=None)
@given(
    st.lists(st.lists(st.text("ab ", min_size=1, max_size=4), min_size=1, max_size=5), max_size=8),
    st.integers(1, 4),
)
def test_every_text_gets_its_own_outcome_in_order(calls: list[list[str]], capacity: int) -> None:
    async def run() -> list[list[ScoredQuery]]:
        cache = ScoreCache(Scores(), capacity)
        return await asyncio.gather(*(cache.score(texts) for texts in calls))

    for texts, outcomes in zip(calls, asyncio.run(run()), strict=True):
        assert lengths(outcomes) == [len(text.strip()) for text in texts]


async def test_the_hit_ratio_follows_the_recent_queries() -> None:
    cache = ScoreCache(Scores(), 10)
    ratios = []
    for _ in range(3):
        await cache.score(["the same"])
        ratios.append(cache.hit_ratio)
    assert ratios == pytest.approx([0.0, 0.01, 0.0199])  # the newest counts one in a hundred
    for _ in range(300):
        await cache.score(["the same"])
    assert cache.hit_ratio > 0.9
    for number in range(300):
        await cache.score([f"another {number}"])
    assert cache.hit_ratio < 0.1
