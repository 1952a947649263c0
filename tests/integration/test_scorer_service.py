"""The scorer over the wire, on the shipped artifact."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import grpc.aio
import numpy as np
import pytest

from routemoa.errors import (
    InvalidFieldError,
    ModelNotFoundError,
    OverloadedError,
    RouteMoAError,
)
from routemoa.rpc_status import from_rpc_error
from routemoa.v1.error_reason_pb2 import (
    ERROR_REASON_INVALID_FIELD,
    ERROR_REASON_MODEL_NOT_FOUND,
)
from routemoa.v1.scorer_service_pb2 import (
    BatchRankModelsRequest,
    GetScorerInfoRequest,
    RankModelsRequest,
    RankModelsResponse,
    StreamRankModelsRequest,
)
from routemoa.v1.scorer_service_pb2_grpc import ScorerServiceStub
from scorer import Runtime, default_artifact_path, load_artifact
from services.scorer.app import scorer_app
from services.scorer.config import ScorerServiceConfig
from tests.conftest import scorer_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence

    from scorer import TokenizedQuery
    from scorer.runtime.runtime import Prediction
    from tests.conftest import Connect, Serve

EDGE = default_artifact_path()
QUERY = "What is the capital of France?"
TIMEOUT_S = 60
BATCH_S = 0.05
"""What every batch of a held runtime takes at least."""


async def failure(call: Awaitable[object]) -> RouteMoAError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value)


async def violated_fields(call: Awaitable[object]) -> list[str]:
    error = await failure(call)
    assert isinstance(error, InvalidFieldError)
    return [violation.field for violation in error.violations]


def ids(response: RankModelsResponse) -> list[str]:
    return [item.model_id for item in response.model_scores]


async def test_all_models_of_the_artifact_are_ranked_best_first(
    scorer: ScorerServiceStub, scorer_runtime: Runtime
) -> None:
    response = await scorer.RankModels(RankModelsRequest(query=QUERY), timeout=TIMEOUT_S)
    ranked = [(item.model_id, item.score) for item in response.model_scores]
    assert ranked == sorted(ranked, key=lambda pair: (-pair[1], pair[0]))
    (row,) = scorer_runtime.score([scorer_runtime.tokenize(QUERY)])
    assert dict(ranked) == dict(zip(scorer_runtime.model_ids, row.tolist(), strict=True))
    assert response.scorer_version == scorer_runtime.version
    assert not response.truncated
    assert response.timing.inference_duration.ToNanoseconds() > 0
    assert response.timing.tokenization_duration.ToNanoseconds() > 0


async def test_the_uncertainty_is_the_artifacts(
    scorer: ScorerServiceStub, scorer_runtime: Runtime
) -> None:
    for query in (QUERY, "xyzzy 12 @@ ?!"):
        response = await scorer.RankModels(RankModelsRequest(query=query), timeout=TIMEOUT_S)
        reading = scorer_runtime.predict([scorer_runtime.tokenize(query)])
        assert response.uncertainty == pytest.approx(reading.uncertainty[0], abs=1e-6)
        assert not response.team_model_ids


async def test_the_uncertainty_is_that_of_the_models_asked_for(scorer: ScorerServiceStub) -> None:
    whole = await scorer.RankModels(RankModelsRequest(query=QUERY), timeout=TIMEOUT_S)
    worst = whole.model_scores[-1]
    request = RankModelsRequest(query=QUERY, model_ids=[worst.model_id])
    alone = await scorer.RankModels(request, timeout=TIMEOUT_S)
    lead = whole.model_scores[0].score - worst.score
    assert alone.uncertainty == pytest.approx(whole.uncertainty + lead / 2, abs=1e-5)


@pytest.mark.parametrize("size", [1, 3, 16])
async def test_the_team_is_the_artifacts(
    scorer: ScorerServiceStub, scorer_runtime: Runtime, size: int
) -> None:
    request = RankModelsRequest(query=QUERY, team_size=size)
    response = await scorer.RankModels(request, timeout=TIMEOUT_S)
    (columns,) = scorer_runtime.team([scorer_runtime.tokenize(QUERY)], size)
    assert list(response.team_model_ids) == [scorer_runtime.model_ids[c] for c in columns]


async def test_a_team_is_of_the_models_asked_for(
    scorer: ScorerServiceStub, scorer_runtime: Runtime
) -> None:
    wanted = sorted(scorer_runtime.model_ids)[:2]
    request = RankModelsRequest(query=QUERY, model_ids=wanted, team_size=3)
    response = await scorer.RankModels(request, timeout=TIMEOUT_S)
    assert sorted(response.team_model_ids) == wanted


@pytest.mark.parametrize("size", [-1, 0, 17])
async def test_a_team_size_out_of_range_is_named_beside_all_else(
    scorer: ScorerServiceStub, size: int
) -> None:
    bad = RankModelsRequest(query=" ", team_size=size)
    call = scorer.RankModels(bad, timeout=TIMEOUT_S)
    assert await violated_fields(call) == ["query", "team_size"]
    batch = BatchRankModelsRequest(requests=[RankModelsRequest(query=QUERY), bad])
    call_of_two = scorer.BatchRankModels(batch, timeout=TIMEOUT_S)
    assert await violated_fields(call_of_two) == ["requests[1].query", "requests[1].team_size"]


class TaughtRuntime(Runtime):
    """An artifact that predicts the length of replies."""

    def predict(self, queries: Sequence[TokenizedQuery]) -> Prediction:
        reading = super().predict(queries)
        tokens = np.tile(np.arange(len(self.model_ids), dtype=np.float32), (len(queries), 1))
        return replace(reading, completion_tokens=tokens)


async def test_expected_reply_lengths_are_returned_if_the_artifact_predicts_them(
    serve: Serve, connect: Connect, scorer: ScorerServiceStub
) -> None:
    untaught = await scorer.RankModels(RankModelsRequest(query=QUERY), timeout=TIMEOUT_S)
    assert not untaught.model_scores[0].HasField("expected_completion_token_count")
    runtime = TaughtRuntime.open(load_artifact(EDGE))
    config = ScorerServiceConfig(listen_address="127.0.0.1:0", artifact=EDGE)
    stub = ScorerServiceStub(connect(await serve(config, scorer_service(config, runtime))))
    response = await stub.RankModels(RankModelsRequest(query=QUERY), timeout=TIMEOUT_S)
    lengths = {s.model_id: s.expected_completion_token_count for s in response.model_scores}
    assert lengths == {model_id: n for n, model_id in enumerate(runtime.model_ids)}


async def test_only_the_models_asked_for_are_ranked(
    scorer: ScorerServiceStub, scorer_runtime: Runtime
) -> None:
    wanted = list(scorer_runtime.model_ids[:3])
    request = RankModelsRequest(query=QUERY, model_ids=[*wanted, wanted[0]])
    response = await scorer.RankModels(request, timeout=TIMEOUT_S)
    assert sorted(ids(response)) == sorted(wanted)


async def test_unknown_models_are_named_all_at_once(
    scorer: ScorerServiceStub, scorer_runtime: Runtime
) -> None:
    request = RankModelsRequest(query=QUERY, model_ids=["y", scorer_runtime.model_ids[0], "x"])
    error = await failure(scorer.RankModels(request, timeout=TIMEOUT_S))
    assert isinstance(error, ModelNotFoundError)
    assert error.metadata["model_ids"] == "x,y"


async def test_so_many_unknown_models_that_no_error_could_hold_them_are_still_an_error(
    scorer: ScorerServiceStub,
) -> None:
    request = RankModelsRequest(query=QUERY, model_ids=[f"ünknown-{n}" for n in range(10_000)])
    error = await failure(scorer.RankModels(request, timeout=TIMEOUT_S))
    assert isinstance(error, ModelNotFoundError)


@pytest.mark.parametrize("query", ["", " \n\t", "x" * 1_000_000], ids=["empty", "blank", "1 MB"])
async def test_a_query_that_is_empty_or_too_long_is_refused(
    scorer: ScorerServiceStub, query: str
) -> None:
    request = RankModelsRequest(query=query)
    assert await violated_fields(scorer.RankModels(request, timeout=TIMEOUT_S)) == ["query"]


async def test_the_longest_query_allowed_is_ranked_and_said_to_be_truncated(
    scorer: ScorerServiceStub,
) -> None:
    request = RankModelsRequest(query="word " * 20_000)
    response = await scorer.RankModels(request, timeout=TIMEOUT_S)
    assert response.truncated


@pytest.mark.parametrize(
    "query",
    ["\x00", "Größe 大きさ \U0001f916\u200d\U0001f525", "\u202e\ufeff\ufffd", "' OR 1=1; --"],
)
async def test_odd_text_is_ranked_like_any_other(scorer: ScorerServiceStub, query: str) -> None:
    response = await scorer.RankModels(RankModelsRequest(query=query), timeout=TIMEOUT_S)
    assert response.model_scores


async def test_a_batch_answers_each_request_in_order(
    scorer: ScorerServiceStub, scorer_runtime: Runtime
) -> None:
    queries = ["Prove that 2 is prime.", "word " * 3_000, "Who wrote Faust?"]
    request = BatchRankModelsRequest(requests=[RankModelsRequest(query=q) for q in queries])
    response = await scorer.BatchRankModels(request, timeout=TIMEOUT_S)
    assert [item.truncated for item in response.responses] == [False, True, False]
    alone = np.vstack([scorer_runtime.score([scorer_runtime.tokenize(q)]) for q in queries])
    for place, item in enumerate(response.responses):
        by_id = {score.model_id: score.score for score in item.model_scores}
        scores = [by_id[model_id] for model_id in scorer_runtime.model_ids]
        assert scores == pytest.approx(alone[place].tolist(), abs=1e-5)


async def test_the_edge_tier_is_served_as_the_base_tier_is(serve: Serve, connect: Connect) -> None:
    edge = Runtime.open(load_artifact(EDGE))
    config = ScorerServiceConfig(listen_address="127.0.0.1:0", artifact=EDGE)
    stub = ScorerServiceStub(connect(await serve(config, scorer_app(config))))
    queries = [QUERY, "word " * 3_000, "你好", "?"]
    request = BatchRankModelsRequest(requests=[RankModelsRequest(query=q) for q in queries])
    response = await stub.BatchRankModels(request, timeout=TIMEOUT_S)
    assert [item.truncated for item in response.responses] == [False, True, False, False]
    alone = edge.score([edge.tokenize(query) for query in queries])
    for row, item in zip(alone, response.responses, strict=True):
        by_id = {score.model_id: score.score for score in item.model_scores}
        scores = [by_id[model_id] for model_id in edge.model_ids]
        assert scores == pytest.approx(row.tolist(), abs=1e-5)


async def test_each_request_of_a_batch_may_name_its_own_models(
    scorer: ScorerServiceStub, scorer_runtime: Runtime
) -> None:
    wanted = [list(scorer_runtime.model_ids[:1]), sorted(scorer_runtime.model_ids), []]
    request = BatchRankModelsRequest(
        requests=[RankModelsRequest(query=QUERY, model_ids=names) for names in wanted]
    )
    response = await scorer.BatchRankModels(request, timeout=TIMEOUT_S)
    assert [sorted(ids(item)) for item in response.responses] == [wanted[0], wanted[1], wanted[1]]


async def test_every_bad_request_of_a_batch_is_named(scorer: ScorerServiceStub) -> None:
    requests = [RankModelsRequest(query=query) for query in ("fine", "", "fine", "x" * 100_001)]
    call = scorer.BatchRankModels(BatchRankModelsRequest(requests=requests), timeout=TIMEOUT_S)
    assert await violated_fields(call) == ["requests[1].query", "requests[3].query"]


async def test_a_batch_of_nothing_but_bad_requests_names_each(scorer: ScorerServiceStub) -> None:
    request = BatchRankModelsRequest(requests=[RankModelsRequest()] * 64)
    fields = await violated_fields(scorer.BatchRankModels(request, timeout=TIMEOUT_S))
    assert fields == [f"requests[{place}].query" for place in range(64)]


@pytest.mark.parametrize("count", [0, 65])
async def test_a_batch_of_none_or_too_many_is_refused(
    scorer: ScorerServiceStub, count: int
) -> None:
    request = BatchRankModelsRequest(requests=[RankModelsRequest(query=QUERY)] * count)
    call = scorer.BatchRankModels(request, timeout=TIMEOUT_S)
    assert await violated_fields(call) == ["requests"]


async def test_unknown_models_anywhere_in_a_batch_are_named(scorer: ScorerServiceStub) -> None:
    requests = [RankModelsRequest(query=QUERY, model_ids=[name]) for name in ("nil", "nada")]
    error = await failure(
        scorer.BatchRankModels(BatchRankModelsRequest(requests=requests), timeout=TIMEOUT_S)
    )
    assert isinstance(error, ModelNotFoundError)
    assert error.metadata["model_ids"] == "nada,nil"


async def test_a_bad_request_in_a_stream_gets_its_error_in_place_and_the_stream_goes_on(
    scorer: ScorerServiceStub,
) -> None:
    requests = [
        RankModelsRequest(query=QUERY),
        RankModelsRequest(query=" "),
        RankModelsRequest(query=QUERY, model_ids=["nobody"]),
        RankModelsRequest(query="word " * 3_000),
    ]

    async def sent() -> AsyncIterator[StreamRankModelsRequest]:
        for request in requests:
            yield StreamRankModelsRequest(request=request)

    responses = [item async for item in scorer.StreamRankModels(sent(), timeout=TIMEOUT_S)]
    assert [item.request_index for item in responses] == [0, 1, 2, 3]
    assert [item.WhichOneof("outcome") for item in responses] == [
        "ranking",
        "error",
        "error",
        "ranking",
    ]
    assert responses[1].error.reason == ERROR_REASON_INVALID_FIELD
    assert "request.query" in responses[1].error.message
    assert responses[2].error.reason == ERROR_REASON_MODEL_NOT_FOUND
    assert responses[3].ranking.truncated


async def test_a_stream_far_longer_than_its_window_is_answered_in_order(
    scorer: ScorerServiceStub, scorer_runtime: Runtime
) -> None:
    names = scorer_runtime.model_ids

    async def sent() -> AsyncIterator[StreamRankModelsRequest]:
        for number in range(300):
            request = RankModelsRequest(query="Why?", model_ids=[names[number % len(names)]])
            yield StreamRankModelsRequest(request=request)

    responses = [item async for item in scorer.StreamRankModels(sent(), timeout=TIMEOUT_S)]
    assert [ids(item.ranking) for item in responses] == [
        [names[n % len(names)]] for n in range(300)
    ]


async def test_a_stream_item_that_is_not_a_message_ends_the_stream_after_those_before_it(
    connect: Connect, scorer_address: str
) -> None:
    stub: grpc.aio.StreamStreamMultiCallable[bytes, bytes]
    stub = connect(scorer_address).stream_stream("/routemoa.v1.ScorerService/StreamRankModels")
    call = stub()
    good = StreamRankModelsRequest(request=RankModelsRequest(query=QUERY))
    await call.write(good.SerializeToString())
    assert await call.read()
    await call.write(b"\xff\xff")
    assert isinstance(await failure(call.read()), InvalidFieldError)


async def test_the_info_tells_what_is_loaded_and_the_limits(
    scorer: ScorerServiceStub, scorer_runtime: Runtime
) -> None:
    info = await scorer.GetScorerInfo(GetScorerInfoRequest(), timeout=TIMEOUT_S)
    assert info.scorer_version == scorer_runtime.version
    assert tuple(info.model_ids) == scorer_runtime.model_ids
    assert info.max_query_token_count == scorer_runtime.max_tokens
    assert info.max_batch_request_count == 64
    assert info.execution_provider == "cpu"


class HeldRuntime(Runtime):
    """An artifact whose batches can be held, and are slow on the fastest machine."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._let_go = threading.Event()
        self._let_go.set()

    def predict(self, queries: Sequence[TokenizedQuery]) -> Prediction:
        time.sleep(BATCH_S)
        assert self._let_go.wait(TIMEOUT_S)
        return super().predict(queries)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Lets no batch end before the block does."""
        self._let_go.clear()
        try:
            yield
        finally:
            self._let_go.set()


@pytest.fixture
def held_runtime() -> HeldRuntime:
    runtime = HeldRuntime.open(load_artifact(default_artifact_path()))
    assert isinstance(runtime, HeldRuntime)
    return runtime


async def test_a_batch_that_the_queue_cannot_hold_beside_others_is_refused_as_overload(
    serve: Serve, connect: Connect, held_runtime: HeldRuntime
) -> None:
    config = ScorerServiceConfig(
        listen_address="127.0.0.1:0",
        max_queue_requests=8,
        max_batch_call_requests=8,
        max_queue_wait_s=60,
        cache_queries=0,  # else the same queries of all calls would be one
    )
    address = await serve(config, scorer_service(config, held_runtime))
    stub = ScorerServiceStub(connect(address))
    request = BatchRankModelsRequest(requests=[RankModelsRequest(query=QUERY)] * 8)
    with held_runtime.held():
        calls = [stub.BatchRankModels(request, timeout=TIMEOUT_S) for _ in range(8)]
        ends = [asyncio.create_task(call.code()) for call in calls]
        refused = [await end for end in islice(asyncio.as_completed(ends), 6)]
    codes = await asyncio.gather(*ends)
    assert set(refused) == {grpc.StatusCode.UNAVAILABLE}
    error = await failure(calls[codes.index(grpc.StatusCode.UNAVAILABLE)])
    assert error.metadata["limit"] == "8"
    assert error.retry_delay_s == 0.25
    # One batch can run, and one wait.
    assert 1 <= codes.count(grpc.StatusCode.OK) <= 2
    assert set(codes) == {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}


async def test_overload_is_reported_before_a_query_is_read(
    serve: Serve, connect: Connect, held_runtime: HeldRuntime
) -> None:
    most_requests = 32
    config = ScorerServiceConfig(
        listen_address="127.0.0.1:0",
        max_batch_requests=most_requests,
        max_queue_wait_s=most_requests * BATCH_S / 4,
        cache_queries=0,
    )
    channel = connect(await serve(config, scorer_service(config, held_runtime)))
    stub = ScorerServiceStub(channel)
    # A lone query takes a whole batch's time: with half of the next call in the queue, others would
    # wait four times too long.
    one = RankModelsRequest(query=QUERY)
    await stub.RankModels(one, timeout=TIMEOUT_S)
    method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
    method = channel.unary_unary("/routemoa.v1.ScorerService/RankModels")
    with held_runtime.held():
        two_batches = BatchRankModelsRequest(requests=[one] * most_requests * 2)
        held = stub.BatchRankModels(two_batches, timeout=TIMEOUT_S)
        async with asyncio.timeout(TIMEOUT_S):
            # Bytes that are no message are an invalid argument, but only if they are read.
            code = grpc.StatusCode.INVALID_ARGUMENT
            while code is grpc.StatusCode.INVALID_ARGUMENT:
                call = method(b"\xff\xff", timeout=TIMEOUT_S)
                code = await call.code()
        error = await failure(call)
        assert isinstance(error, OverloadedError)
        assert error.retry_delay_s
        info = await stub.GetScorerInfo(GetScorerInfoRequest(), timeout=TIMEOUT_S)
        assert info.scorer_version == held_runtime.version
        assert not held.done()
    await held.code()
