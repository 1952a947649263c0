"""Which calls are refused before they are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from routemoa.errors import OverloadedError
from services.scorer.config import ScorerServiceConfig
from services.scorer.scoring import WORTH_READING, Scoring
from services.scorer.servicer import ScorerServicer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scorer import Runtime

PREFIX = "/routemoa.v1.ScorerService/"
FULL = OverloadedError("full")


@dataclass
class OneOf:
    """Stands for what scores with one artifact."""

    error: OverloadedError | None

    def refusal(self) -> OverloadedError | None:
        return self.error


@dataclass
class Scorings:
    """Stands for the artifacts in use."""

    default: OneOf
    others: Mapping[str, OneOf] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.others)

    def get(self, name: str) -> OneOf | None:
        return self.others.get(name)


def refusal(method: str, default: OneOf, **others: OneOf) -> OverloadedError | None:
    scorings = cast("Scoring", Scorings(default, others))
    return ScorerServicer(ScorerServiceConfig(), scorings).refusal(PREFIX + method)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["RankModels", "BatchRankModels"])
def test_a_ranking_is_refused_where_no_artifact_has_room(method: str) -> None:
    assert refusal(method, OneOf(FULL)) is FULL
    assert refusal(method, OneOf(FULL), b=OneOf(FULL)) is FULL
    assert refusal(method, OneOf(None)) is None
    # Which artifact a call names is not known before it is read.
    assert refusal(method, OneOf(FULL), b=OneOf(None)) is None


@pytest.mark.parametrize("method", ["GetScorerInfo", "StreamRankModels"])
def test_what_does_not_need_the_queue_at_once_is_read(method: str) -> None:
    assert refusal(method, OneOf(FULL)) is None


async def test_where_many_queries_are_remembered_calls_are_read(
    scorer_runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    scoring = Scoring(scorer_runtime, ScorerServiceConfig().batch_limits, cache_size=10)
    assert scoring.refusal() is None
    monkeypatch.setattr(scoring._batcher, "refusal", lambda: FULL)
    assert scoring.refusal() is FULL
    assert scoring._cache is not None
    scoring._cache.hit_share = 2 * WORTH_READING
    assert scoring.refusal() is None
