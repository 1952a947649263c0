from __future__ import annotations

import asyncio
import threading
from contextlib import closing
from typing import TYPE_CHECKING, TypeVar

import pytest

from routemoa import RouteMoAClient
from routemoa.blocking import BlockingClient
from routemoa.errors import ModelNotFoundError
from routemoa.v1 import model_pb2, scorer_service_pb2
from tests.unit.client import samples
from tests.unit.client.recording import RecordingRouter, RecordingScorer, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
QUERY = "What is the capital of Australia?"


async def in_thread(work: Callable[[], T]) -> T:
    """Runs what blocks beside the servers' event loop."""
    return await asyncio.to_thread(work)


async def test_a_call_returns_what_the_asynchronous_client_returns() -> None:
    ranking = scorer_service_pb2.RankModelsResponse(
        model_scores=[model_pb2.ModelScore(model_id="acme/large", score=0.8)]
    )
    scorer = RecordingScorer(ranking)
    async with serving(scorer) as address:

        def work() -> scorer_service_pb2.RankModelsResponse:
            with BlockingClient(scorer=address, request_id="abc-123") as client:
                return client.rank(QUERY, ["acme/large"], timeout_s=5)

        assert await in_thread(work) == ranking
    assert scorer.metadata[0]["x-request-id"] == "abc-123"


async def test_a_stream_is_an_ordinary_iterator() -> None:
    async with serving(RecordingRouter(events=samples.events())) as address:

        def work() -> list[str | None]:
            with BlockingClient(address) as client:
                return [event.WhichOneof("event") for event in client.stream(QUERY)]

        kinds = await in_thread(work)
    assert kinds[0] == "routing"
    assert kinds[-1] == "result"


async def test_a_stream_may_be_left_early_and_the_client_used_again() -> None:
    async with serving(RecordingRouter(events=samples.events())) as address:

        def work() -> int:
            with BlockingClient(address) as client:
                with closing(client.stream(QUERY)) as events:
                    next(events)
                return sum(1 for _ in client.stream(QUERY))

        assert await in_thread(work) == len(samples.events())


async def test_a_stream_that_outlives_its_client_is_dropped_quietly() -> None:
    async with serving(RecordingRouter(events=samples.events())) as address:

        def work() -> None:
            with BlockingClient(address) as client:
                events = client.stream(QUERY)
                next(events)
            events.close()

        await in_thread(work)


async def test_queries_are_taken_from_an_ordinary_iterable() -> None:
    def queries() -> Iterator[str]:
        yield from ("one", "two", "three")

    async with serving(RecordingScorer()) as address:

        def work() -> list[int]:
            with BlockingClient(scorer=address) as client:
                return [response.request_index for response in client.rank_stream(queries())]

        assert await in_thread(work) == [0, 1, 2]


async def test_errors_have_the_same_classes() -> None:
    error = ModelNotFoundError("no such model", {"model_ids": "acme/huge"})
    async with serving(RecordingScorer(error=error)) as address:

        def work() -> None:
            with BlockingClient(scorer=address) as client:
                client.rank(QUERY)

        with pytest.raises(ModelNotFoundError):
            await in_thread(work)


async def test_threads_share_a_client() -> None:
    scorer = RecordingScorer()
    async with serving(scorer) as address:

        def work() -> None:
            with BlockingClient(scorer=address) as client:
                threads = [threading.Thread(target=client.rank, args=(QUERY,)) for _ in range(8)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()

        await in_thread(work)
    assert len(scorer.requests) == 8


def test_closing_ends_the_thread() -> None:
    def ours() -> int:
        return sum(thread.name == "routemoa" for thread in threading.enumerate())

    before = ours()
    with BlockingClient():
        assert ours() == before + 1
    assert ours() == before


def test_methods_document_themselves_as_the_asynchronous_ones_do() -> None:
    assert BlockingClient.rank.__doc__ == RouteMoAClient.rank.__doc__
