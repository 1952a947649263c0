"""The queue of the shadow artifact."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from services.scorer.batching.batcher import BatchFailedError
from services.scorer.shadow import Shadow, comparing

if TYPE_CHECKING:
    from services.scorer.outcome import ScoredQuery
    from services.scorer.scoring import Scoring


class FailingScoring:
    """Records what it is asked, and scores nothing."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[tuple[list[str], str]] = asyncio.Queue()

    async def score(self, texts: list[str], *, salt: str) -> list[ScoredQuery]:
        self.asked.put_nowait((texts, salt))
        raise BatchFailedError


@pytest.mark.parametrize("salt", ["", "of a tenant"])
async def test_the_shadow_keeps_tenants_apart_too(salt: str) -> None:
    other = FailingScoring()
    shadow = Shadow(lambda: cast("Scoring", other))
    async with asyncio.timeout(60), comparing(shadow):
        shadow.observe("abc", salt, cast("Scoring", None), cast("ScoredQuery", None))
        assert await other.asked.get() == (["abc"], salt)
