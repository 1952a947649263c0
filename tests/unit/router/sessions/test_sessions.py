"""What is remembered of a conversation, and what is learnt of the backends' caches."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from services.router.sessions.session_state import CACHE_TTL_S, decode_state
from services.router.sessions.sessions import Sessions
from services.router.types.conversation import Conversation
from services.router.types.ledger import CallPurpose, CallStatus
from services.router.types.messages import Message, Role
from services.router.types.options import GenerationOptions
from services.router.values.memory_values import MemoryValues
from tests.unit.router.runs import ENTRY

if TYPE_CHECKING:
    from services.router.routing.prompt_caches import CachedPrompts
    from services.router.sessions.sessions import Session
    from services.router.types.ledger import LedgerEntry

PROMPT = "word " * 1_000


class Clock:
    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


class Chat:
    """A conversation whose turns are answered by one model or another."""

    def __init__(self, session_id: str = "") -> None:
        self.clock = Clock()
        self.values = MemoryValues(max_bytes=1_000_000)
        self.sessions = Sessions(self.values, clock=self.clock)
        self.messages = [Message(role=Role.USER, content=PROMPT)]
        self.options = GenerationOptions(session_id=session_id)

    async def recall(self) -> Session:
        whole = Conversation(messages=tuple(self.messages), options=self.options)
        return await self.sessions.recall(whole)

    async def turn(
        self, model_id: str, *others: LedgerEntry, cached: int = 0, **fields: object
    ) -> None:
        session = await self.recall()
        entry = replace(
            ENTRY,
            model_id=model_id,
            prompt_tokens=session.conversation.tokens,
            cached_prompt_tokens=cached,
            **fields,  # type: ignore[arg-type]
        )
        self.sessions.remember(session, model_id, [*others, entry])
        self.messages += [
            Message(role=Role.ASSISTANT, content="Yes."),
            Message(role=Role.USER, content="And then?"),
        ]


def read_and_written(prompts: CachedPrompts) -> list[tuple[int, int]]:
    return list(zip(prompts.read.tolist(), prompts.written.tolist(), strict=True))


async def test_the_model_of_the_last_answer_is_remembered() -> None:
    chat = Chat()
    assert (await chat.recall()).kept_model_id is None
    await chat.turn("a")
    assert (await chat.recall()).kept_model_id == "a"
    await chat.turn("b")
    assert (await chat.recall()).kept_model_id == "b"


async def test_a_backend_that_reports_no_cached_tokens_is_expected_to_cache_none() -> None:
    chat = Chat()
    for _ in range(3):
        await chat.turn("a")
    caches = (await chat.recall()).caches
    assert caches.seen_tokens["a"] > 1_000
    assert read_and_written(caches.next_prompts({"a": 0}, 1_500)) == [(0, 0)]


async def test_the_share_that_is_cached_is_learnt_from_reports() -> None:
    chat = Chat()
    await chat.turn("a")
    await chat.turn("a", cached=1_000_000)  # more than the prompt: counts as all of it
    caches = (await chat.recall()).caches
    seen = caches.seen_tokens["a"]
    assert read_and_written(caches.next_prompts({"b": 0, "a": 1}, seen + 100)) == [
        (0, 0),
        (seen, 0),
    ]
    assert read_and_written(caches.next_prompts({"a": 0}, seen - 100)) == [(seen - 100, 0)]
    assert read_and_written(caches.later_prompts({"a": 0}, 5_000)) == [(5_000, 0)]
    for _ in range(20):
        await chat.turn("a", cached=0)
    assert (await chat.recall()).caches.shares["a"].read < 0.05


async def test_tokens_that_are_written_to_a_cache_are_learnt_too() -> None:
    chat = Chat()
    await chat.turn("a", cache_written_prompt_tokens=10**9)
    caches = (await chat.recall()).caches
    assert read_and_written(caches.next_prompts({"a": 0}, 1_000)) == [(0, 1_000)]


@pytest.mark.parametrize("status", [CallStatus.TIMEOUT, CallStatus.CANCELLED])
async def test_nothing_is_learnt_from_failed_attempts_or_estimates(status: CallStatus) -> None:
    chat = Chat()
    await chat.turn("a")
    await chat.turn("a", cached=1_000, status=status)
    await chat.turn("a", cached=1_000, estimated=True)
    assert (await chat.recall()).caches.shares["a"].read == 0


async def test_a_cache_is_not_counted_on_after_its_time_but_the_model_is_remembered() -> None:
    chat = Chat()
    await chat.turn("a")
    chat.clock.now_s += CACHE_TTL_S
    assert (await chat.recall()).caches.seen_tokens
    chat.clock.now_s += 1
    recalled = await chat.recall()
    assert recalled.kept_model_id == "a"
    assert not recalled.caches.seen_tokens


async def test_every_model_that_read_the_conversation_is_remembered() -> None:
    chat = Chat()
    graded = replace(ENTRY, model_id="judge", purpose=CallPurpose.SELECTION)
    await chat.turn("a", replace(ENTRY, model_id="b", completion_tokens=500), graded)
    seen = (await chat.recall()).caches.seen_tokens
    assert set(seen) == {"a", "b"}
    assert seen["b"] < seen["a"]  # the reply of b is no part of the conversation


async def test_a_changed_history_is_in_no_cache_but_an_id_still_names_its_model() -> None:
    chat, named = Chat(), Chat(session_id="chat-1")
    for each in (chat, named):
        await each.turn("a")
        each.messages[0] = Message(role=Role.USER, content="summary")
    assert (await chat.recall()).kept_model_id is None
    recalled = await named.recall()
    assert recalled.kept_model_id == "a"
    assert not recalled.caches.seen_tokens


async def test_two_chats_of_the_same_beginning_are_told_apart_by_their_next_turn() -> None:
    one = Chat()
    two = Chat()
    two.sessions, two.values = one.sessions, one.values
    await one.turn("a")
    await two.turn("a")
    two.messages[-1] = Message(role=Role.USER, content="Why?")
    await one.turn("b")
    await two.turn("c")
    assert (await one.recall()).kept_model_id == "b"
    assert (await two.recall()).kept_model_id == "c"


async def test_values_of_another_form_are_ignored() -> None:
    assert decode_state(b"\xff") is None
    assert decode_state(b'{"model_id": 7}') is None
    chat = Chat()
    await chat.turn("a")
    chat.values.put((await chat.recall()).keys.lookup or "", b"nonsense", 100)
    assert (await chat.recall()).kept_model_id is None


async def test_the_state_of_a_conversation_is_small_however_many_models_took_part() -> None:
    chat = Chat()
    entries = [replace(ENTRY, model_id=f"model-{number}") for number in range(100)]
    await chat.turn("a", *entries)
    assert chat.values.size_bytes < 3_000
