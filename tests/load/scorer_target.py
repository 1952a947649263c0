"""The scorer under load: texts whose scores are known, and calls that compare the answers with them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from routemoa.errors import OverloadedError
from routemoa.v1.error_reason_pb2 import ERROR_REASON_OVERLOADED
from routemoa.v1.scorer_service_pb2 import RankModelsRequest, StreamRankModelsRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from routemoa.v1.scorer_service_pb2 import RankModelsResponse
    from routemoa.v1.scorer_service_pb2_grpc import ScorerServiceStub
    from scorer import Runtime

TIMEOUT_S = 2.0
"""Time that a caller has; no answer for so long is a failed call."""
STREAM_QUERIES = 8
TOLERANCE = 1e-4
"""Largest |score difference| between what is served and what is scored in process."""
TEXTS = tuple(
    f"What is {number} times {number + 1}, and {'why, ' * (number % 7)}how does one work it out?"
    for number in range(64)
)


class ScorerTarget:
    """Calls of a scorer that tell a wrong answer from a right one.

    Args:
        stub: The service.
        runtime: The same artifact in process.
    """

    def __init__(self, stub: ScorerServiceStub, runtime: Runtime) -> None:
        self._stub = stub
        scores = np.concatenate([runtime.score([runtime.tokenize(text)]) for text in TEXTS])
        self._expected = [dict(zip(runtime.model_ids, row.tolist(), strict=True)) for row in scores]
        self.first_answers_s: dict[str, float] = {}
        """When each version of the scorer first answered, by `time.perf_counter`."""

    async def unary(self, number: int) -> bool:
        """Asks for one ranking; returns whether it is right."""
        place = number % len(TEXTS)
        response = await self._stub.RankModels(
            RankModelsRequest(query=TEXTS[place]), timeout=TIMEOUT_S
        )
        self.first_answers_s.setdefault(response.scorer_version, time.perf_counter())
        return self._is_right(place, response)

    async def first_of_stream(self, number: int) -> bool:
        """Streams a few queries until the first answer; returns whether that is right.

        Raises:
            OverloadedError: The first query was refused.
        """
        places = [(number + offset) % len(TEXTS) for offset in range(STREAM_QUERIES)]

        async def sent() -> AsyncIterator[StreamRankModelsRequest]:
            for place in places:
                yield StreamRankModelsRequest(request=RankModelsRequest(query=TEXTS[place]))

        call = self._stub.StreamRankModels(sent(), timeout=TIMEOUT_S)
        async for response in call:
            if response.error.reason == ERROR_REASON_OVERLOADED:
                raise OverloadedError(response.error.message)
            return self._is_right(places[0], response.ranking)
        return False

    def _is_right(self, place: int, response: RankModelsResponse) -> bool:
        expected = self._expected[place]
        scores = response.model_scores
        return (
            len(scores) == len(expected)
            and all(abs(expected[item.model_id] - item.score) <= TOLERANCE for item in scores)
            and expected[scores[0].model_id] >= max(expected.values()) - TOLERANCE
        )
