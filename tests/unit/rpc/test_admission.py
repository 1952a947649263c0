"""Permits: shared between callers, given up by calls that only wait."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, cast

import pytest

from routemoa.errors import DrainingError, OverloadedError
from services.rpc.interceptors.admission import Admission
from services.rpc.interceptors.call import (
    MAX_MESSAGE_S,
    MAX_QUIET_S,
    READING_PATIENCE_S,
    WRITING_PATIENCE_S,
    Call,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.rpc.interceptors.call import Context

CONTEXT = cast("Context", None)


class Task:
    """A call's task, which counts how often it is cancelled."""

    def __init__(self) -> None:
        self.cancelled = 0

    def cancel(self) -> None:
        self.cancelled += 1


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as entered:
        yield entered


def new_call(caller: str, **fields: Any) -> Call:
    return Call(method="/m", context=CONTEXT, caller=caller, _task=cast("Any", Task()), **fields)


def admitted(
    admission: Admission, stack: ExitStack, caller: str, count: int, **fields: Any
) -> list[Call]:
    calls = [new_call(caller, **fields) for _ in range(count)]
    for call in calls:
        stack.enter_context(admission.guard(call))
    return calls


async def test_no_caller_has_the_places_that_are_left_for_others(stack: ExitStack) -> None:
    admission = Admission(16)
    admitted(admission, stack, "greedy", 14)
    with pytest.raises(OverloadedError) as caught:
        admitted(admission, stack, "greedy", 1)
    assert caught.value.metadata == {"limit": "14"}
    admitted(admission, stack, "modest", 2)
    assert admission.shed_reason("/m") is not None


async def test_a_limit_too_small_to_share_is_one_callers(stack: ExitStack) -> None:
    admission = Admission(7)
    admitted(admission, stack, "only", 7)
    with pytest.raises(OverloadedError):
        admitted(admission, stack, "only", 1)


async def test_the_longest_wait_of_the_caller_with_most_calls_ends(stack: ExitStack) -> None:
    admission = Admission(10)
    now_s = time.monotonic()
    admitted(admission, stack, "modest", 3, reading_since_s=now_s - 100)
    first = admitted(admission, stack, "greedy", 1, reading_since_s=now_s - 10)[0]
    others = admitted(admission, stack, "greedy", 6, reading_since_s=now_s - 5)
    assert admission.shed_reason("/m") is None
    admitted(admission, stack, "new", 1)
    assert isinstance(first.end_error, OverloadedError)
    assert not any(call.end_error for call in others)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"reading_since_s": -READING_PATIENCE_S / 2},
        {"reading_since_s": -100.0, "owed_responses": 1},
        {"writing_since_s": -WRITING_PATIENCE_S / 2},
    ],
    ids=["works", "has just begun to wait", "works while it reads", "waits for a slow reader"],
)
async def test_calls_that_do_not_merely_wait_keep_their_places(
    stack: ExitStack, fields: dict[str, float]
) -> None:
    admission = Admission(4)
    now_s = time.monotonic()
    moved = {k: v + now_s if k.endswith("_s") else v for k, v in fields.items()}
    calls = admitted(admission, stack, "a", 4, **moved)
    error = admission.shed_reason("/m")
    assert isinstance(error, OverloadedError)
    assert admission.shed_reason("/m") is error  # so that its handler can be cached
    with pytest.raises(OverloadedError):
        admitted(admission, stack, "b", 1)
    assert not any(call.end_error for call in calls)


async def test_a_caller_that_takes_no_response_gives_way(stack: ExitStack) -> None:
    admission = Admission(1)
    since_s = time.monotonic() - WRITING_PATIENCE_S
    (stuck,) = admitted(admission, stack, "a", 1, writing_since_s=since_s)
    admitted(admission, stack, "b", 1)
    assert stuck.end_error is not None


async def test_a_permit_is_given_back_once(stack: ExitStack) -> None:
    admission = Admission(2)
    with ExitStack() as inner:
        admitted(admission, inner, "a", 2, reading_since_s=time.monotonic() - 5)
        admitted(admission, stack, "b", 1)
    admitted(admission, stack, "c", 1)
    with pytest.raises(OverloadedError):
        admitted(admission, stack, "d", 1)
    assert not admission.idle.is_set()
    stack.close()
    assert admission.idle.is_set()


async def test_waits_have_a_limit_of_their_own() -> None:
    now_s = time.monotonic()
    half, stream = new_call("a"), new_call("a", streams_requests=True)
    for call in (half, stream):
        call.reading_since_s = now_s
        assert call.waits_s(now_s + 3) == 3
    assert half.longest_wait_s() == MAX_MESSAGE_S
    assert stream.longest_wait_s() == MAX_QUIET_S
    half.writing_since_s = now_s
    assert half.longest_wait_s() == MAX_QUIET_S


async def test_a_response_that_is_taken_begins_the_wait_anew() -> None:
    call = new_call("a", streams_requests=True, reading_since_s=0.0, owed_responses=1)
    now_s = time.monotonic()
    assert call.waits_s(now_s) == 0
    call.responded()
    assert call.waits_s(time.monotonic()) < READING_PATIENCE_S


async def test_quiet_calls_are_ended(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.rpc.interceptors.admission.WATCH_INTERVAL_S", 0.0)
    admission = Admission(4)
    now_s = time.monotonic()
    (quiet,) = admitted(admission, stack, "a", 1, reading_since_s=now_s - MAX_MESSAGE_S - 1)
    (busy,) = admitted(admission, stack, "a", 1, reading_since_s=now_s)
    watching = admission.watch()
    while quiet.end_error is None:
        watching.send(None)
    watching.close()
    assert isinstance(quiet.end_error, OverloadedError)
    assert busy.end_error is None


async def test_a_call_ends_with_the_first_error_that_it_is_told() -> None:
    call, first = new_call("a"), OverloadedError("first")
    call.end(first)
    call.end(OverloadedError("second"))
    assert call.end_error is first


async def test_nothing_is_admitted_while_draining(stack: ExitStack) -> None:
    admission = Admission(4)
    admission.draining = True
    assert isinstance(admission.shed_reason("/m"), DrainingError)
    with pytest.raises(DrainingError):
        admitted(admission, stack, "a", 1)
