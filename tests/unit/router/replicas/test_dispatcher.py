"""A call to the replicas of a model, whatever its attempts raise."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from services.router.backends.call_failure import CallFailedError
from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.replicas.config import ReplicaSettings
from services.router.backends.replicas.dispatcher import ReplicaGenerator
from services.router.backends.replicas.replica_set import ReplicaSet
from services.router.types.ledger import CallStatus
from tests.unit.router.scripted import model_call

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from services.router.backends.call import ModelCall
    from services.router.backends.http.exchange import Exchange

URLS = ("http://one/v1", "http://two/v1")


async def failed(call: ModelCall, error: Exception, *, text: str = "") -> ReplicaSet:
    """Runs a call whose attempts raise an error, and returns its replicas."""

    async def send(_exchange: Exchange) -> AsyncGenerator[str, None]:
        if text:
            yield text
        raise error

    replicas = ReplicaSet("m", ReplicaSettings(), draw=random.Random(7))
    replicas.update(URLS)
    generator = ReplicaGenerator(send, {call.model.id: replicas})
    with pytest.raises(CallFailedError) as caught:
        async for _ in generator.stream(call):
            pass
    assert caught.value.status is call.attempts[-1].status
    return replicas


@pytest.mark.parametrize("text", ["", "half"])
@pytest.mark.parametrize("error", [RuntimeError("x"), UnicodeError("x"), AssertionError("x")])
async def test_an_exception_of_an_attempt_is_its_status_and_leaves_nothing_in_flight(
    unexpected_failures: list[str], error: Exception, text: str
) -> None:
    call = model_call("m")
    replicas = await failed(call, error, text=text)
    assert [attempt.status for attempt in call.attempts] == [CallStatus.MALFORMED]
    assert [replica.in_flight for replica in replicas.replicas] == [0, 0]
    assert unexpected_failures == [repr(error)]
    unexpected_failures.clear()


@pytest.mark.parametrize(("status", "attempts"), [("RATE_LIMITED", 2), ("REJECTED", 1)])
async def test_a_rate_limit_is_tried_at_another_replica_and_a_refusal_is_not(
    status: str, attempts: int
) -> None:
    call = model_call("m")
    await failed(call, AttemptFailedError(CallStatus[status]))
    assert len(call.attempts) == attempts
