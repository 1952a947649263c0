"""A call under a request id runs once, however often it is asked for."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from routemoa.errors import GenerationFailedError, InvalidFieldError
from routemoa.v1 import router_service_pb2 as pb
from services.router.budgets.tenants import ANONYMOUS, Tenant
from services.router.repeats.kept_responses import MAX_BYTES
from services.router.repeats.repeats import KEPT_S, Repeats
from services.router.repeats.request_identity import request_identity
from services.router.values.memory_values import MemoryValues

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from services.router.repeats.request_identity import RequestIdentity


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def delta(text: str) -> pb.StreamAnswerResponse:
    return pb.StreamAnswerResponse(delta=pb.AnswerDelta(text=text))


RESULT = pb.StreamAnswerResponse(result=pb.GenerateAnswerResponse(decision_id="d"))
ROUTING = pb.StreamAnswerResponse(routing=pb.RoutingDecision(layer_number=1))


@dataclass
class Answer:
    """A call that writes its deltas when it is told to."""

    texts: tuple[str, ...] = ("a", "b")
    started: int = 0
    ended: int = 0
    cancelled: int = 0
    error: Exception | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> AsyncGenerator[pb.StreamAnswerResponse, None]:
        self.started += 1
        self.begun.set()
        try:
            yield ROUTING
            yield delta(self.texts[0])
            await self.go_on.wait()
            if self.error is not None:
                raise self.error
            for text in self.texts[1:]:
                yield delta(text)
            yield RESULT
            self.ended += 1
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


class Router:
    """A router that answers repeated calls."""

    def __init__(self, kept: MemoryValues | None = None) -> None:
        self.clock = Clock()
        self.kept = kept or MemoryValues(max_bytes=4 * MAX_BYTES, clock=self.clock)
        self.repeats = Repeats(self.kept)

    def call(
        self, answer: Answer, identity: RequestIdentity | None = None
    ) -> AsyncGenerator[pb.StreamAnswerResponse, None]:
        return self.repeats.responses(identity or named("r1"), pb.StreamAnswerResponse, answer)

    async def whole(
        self, answer: Answer, identity: RequestIdentity | None = None
    ) -> list[pb.StreamAnswerResponse]:
        async with aclosing(self.call(answer, identity)) as responses:
            return [response async for response in responses]


def named(
    request_id: str, *, strategy: str = "single", tenant: Tenant = ANONYMOUS, method: str = "Stream"
) -> RequestIdentity:
    request = pb.StreamAnswerRequest(policy=pb.RoutingPolicy(strategy=strategy))
    return request_identity(request_id, request, tenant, method=method)


def ready(**fields: object) -> Answer:
    answer = Answer(**fields)  # type: ignore[arg-type]
    answer.go_on.set()
    return answer


async def test_a_call_that_has_ended_is_replayed_with_its_text_in_one_piece() -> None:
    router, answer = Router(), ready()
    assert await router.whole(answer) == [ROUTING, delta("a"), delta("b"), RESULT]
    assert await router.whole(answer) == [ROUTING, delta("ab"), RESULT]
    assert answer.started == 1


async def test_a_call_that_runs_is_joined_and_every_caller_gets_all_of_it() -> None:
    router, answer = Router(), Answer()
    first, second = router.call(answer), router.call(answer)
    assert await anext(first) == ROUTING
    assert await anext(first) == delta("a")
    assert await anext(second) == ROUTING
    answer.go_on.set()
    assert [response async for response in first] == [delta("b"), RESULT]
    assert [response async for response in second] == [delta("a"), delta("b"), RESULT]
    assert answer.started == answer.ended == 1


async def test_calls_that_start_at_the_same_moment_run_once() -> None:
    router, answer = Router(), ready()
    found = await asyncio.gather(*(router.whole(answer) for _ in range(20)))
    assert all(responses == found[0] for responses in found)
    assert answer.started == 1


async def test_one_caller_that_leaves_stops_nothing_and_the_last_one_stops_the_call() -> None:
    router, answer = Router(), Answer()
    first, second = router.call(answer), router.call(answer)
    await anext(first)
    await anext(second)
    await first.aclose()
    assert answer.cancelled == 0
    await second.aclose()
    assert answer.cancelled == 1  # before the last caller has left
    again = ready()
    assert (await router.whole(again))[-1] == RESULT
    assert again.started == 1


async def test_a_cancelled_caller_leaves_too() -> None:
    router, answer = Router(), Answer()
    task = asyncio.create_task(router.whole(answer))
    await answer.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert answer.cancelled == 1


async def test_a_caller_that_leaves_with_the_result_leaves_it_to_the_others() -> None:
    router, answer = Router(), ready()
    async with aclosing(router.call(answer)) as responses:
        async for response in responses:
            if response == RESULT:
                break
    assert (await router.whole(answer))[-1] == RESULT
    assert answer.started == 1


async def test_a_failure_reaches_every_caller_and_is_not_kept() -> None:
    router, answer = Router(), ready(error=GenerationFailedError("no model answered"))
    both = await asyncio.gather(router.whole(answer), router.whole(answer), return_exceptions=True)
    assert all(isinstance(error, GenerationFailedError) for error in both)
    assert answer.started == 1
    again = ready()
    await router.whole(again)
    assert again.started == 1


@pytest.mark.parametrize("runs", [True, False])
async def test_another_request_under_the_same_id_is_refused(runs: bool) -> None:
    router, answer = Router(), Answer()
    first = router.call(answer)
    await anext(first)
    if not runs:
        answer.go_on.set()
        assert [response async for response in first][-1] == RESULT
    for other in (named("r1", strategy="moa"), named("r1", method="Generate")):
        with pytest.raises(InvalidFieldError) as raised:
            await router.whole(ready(), other)
        assert [violation.field for violation in raised.value.violations] == ["request_id"]
    await first.aclose()


async def test_tenants_have_ids_of_their_own() -> None:
    router = Router()
    tenants = [
        Tenant(id=name, token_sha256=(f"{number}" * 64,)) for number, name in enumerate("ab")
    ]
    answers = [ready(), ready()]
    for tenant, answer in zip(tenants, answers, strict=True):
        await router.whole(answer, named("r1", tenant=tenant))
        assert answer.started == 1


async def test_a_result_is_kept_for_ten_minutes() -> None:
    router = Router()
    await router.whole(ready())
    router.clock.now_s = KEPT_S - 1
    late, later = ready(), ready()
    await router.whole(late)
    router.clock.now_s = KEPT_S
    await router.whole(later)
    assert (late.started, later.started) == (0, 1)


async def test_a_result_that_is_too_large_is_not_kept() -> None:
    router = Router()
    large = ready(texts=("x" * MAX_BYTES, "y"))
    await router.whole(large)
    await router.whole(large)
    assert large.started == 2


async def test_another_router_that_shares_the_values_replays_the_result() -> None:
    router, answer = Router(), ready()
    await router.whole(answer)
    other = Router(router.kept)
    assert (await other.whole(answer))[-1] == RESULT
    assert answer.started == 1


@pytest.mark.parametrize("cut", [1, 5])
async def test_kept_bytes_that_are_broken_count_as_none(cut: int) -> None:
    router, answer = Router(), ready()
    await router.whole(answer)
    key = named("r1").key
    router.kept.put(key, (await router.kept.get(key) or b"")[:-cut], KEPT_S)
    await router.whole(answer)
    assert answer.started == 2


@pytest.mark.parametrize("request_id", ["a b", "é", "x" * 129, "\n"])
def test_an_id_that_is_long_or_holds_odd_characters_is_refused(request_id: str) -> None:
    with pytest.raises(InvalidFieldError):
        named(request_id)
    assert named("x" * 128) != named("y" * 128)
