"""The calls that are shed unread."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from routemoa.errors import OverloadedError
from services.scorer.config import ScorerServiceConfig
from services.scorer.scoring import SHED_BELOW_HIT_RATIO, Scoring
from services.scorer.servicer import ScorerServicer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scorer import Runtime
    from services.scorer.artifacts.artifacts import Artifacts

PREFIX = "/routemoa.v1.ScorerService/"
FULL = OverloadedError("full")


@dataclass
class FakeScoring:
    """One artifact with or without room."""

    error: OverloadedError | None

    def shed_reason(self) -> OverloadedError | None:
        return self.error


@dataclass
class FakeArtifacts:
    """The artifacts of a service."""

    default: FakeScoring
    others: Mapping[str, FakeScoring] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.others)

    def get(self, name: str) -> FakeScoring | None:
        return self.others.get(name)


def shed_reason(method: str, default: FakeScoring, **others: FakeScoring) -> OverloadedError | None:
    artifacts = cast("Artifacts", FakeArtifacts(default, others))
    return ScorerServicer(ScorerServiceConfig(), artifacts).shed_reason(PREFIX + method)


@pytest.mark.parametrize("method", ["RankModels", "BatchRankModels"])
def test_a_ranking_is_shed_if_no_artifact_has_room(method: str) -> None:
    assert shed_reason(method, FakeScoring(FULL)) is FULL
    assert shed_reason(method, FakeScoring(FULL), b=FakeScoring(FULL)) is FULL
    assert shed_reason(method, FakeScoring(None)) is None
    # An unread call may name any artifact.
    assert shed_reason(method, FakeScoring(FULL), b=FakeScoring(None)) is None


@pytest.mark.parametrize("method", ["GetScorerInfo", "StreamRankModels"])
def test_a_call_that_does_not_need_the_queue_at_once_is_read(method: str) -> None:
    assert shed_reason(method, FakeScoring(FULL)) is None


async def test_calls_are_read_if_many_queries_are_cached(
    scorer_runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    scoring = Scoring(scorer_runtime, ScorerServiceConfig().batch_limits, cache_size=10)
    assert scoring.shed_reason() is None
    monkeypatch.setattr(scoring._batcher, "shed_reason", lambda: FULL)
    assert scoring.shed_reason() is FULL
    assert scoring._cache is not None
    scoring._cache.hit_ratio = 2 * SHED_BELOW_HIT_RATIO
    assert scoring.shed_reason() is None
