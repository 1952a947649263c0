from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.router import prompts
from services.router.context import INSTRUCTION_TOKENS, REFERENCE_OVERHEAD_TOKENS
from services.router.conversation import Conversation, Message, Role, prompt_tokens
from services.router.limits import Room, WorstCase, fitting
from services.router.prompts import Reference
from services.router.ranking import StopReason
from services.router.strategies.smoa import ROLES
from services.router.tokens import estimate_tokens

NONCE = "01234567"
calls = st.lists(
    st.builds(WorstCase, cost_usd=st.floats(0, 10), tokens=st.integers(0, 1000)), max_size=8
)
rooms = st.builds(
    Room,
    calls=st.integers(0, 6),
    cost_usd=st.none() | st.floats(0, 20),
    tokens=st.none() | st.integers(0, 2000),
)


@given(calls, rooms)
def test_what_fits_keeps_every_limit_and_what_does_not_has_a_reason(
    worst_cases: list[WorstCase], room: Room
) -> None:
    kept, lack = fitting(worst_cases, room)
    chosen = [worst_cases[number] for number in kept]
    assert len(chosen) <= room.calls
    assert room.cost_usd is None or sum(c.cost_usd for c in chosen) <= room.cost_usd + 1e-9
    assert room.tokens is None or sum(c.tokens for c in chosen) <= room.tokens
    assert list(kept) == sorted(set(kept))
    if worst_cases and not kept:
        assert room.lack(worst_cases[0]) is lack is not StopReason.NO_MODEL


@given(st.text(min_size=1), st.lists(st.text(max_size=300), max_size=16))
def test_no_prompt_is_longer_than_its_worst_case(query: str, texts: list[str]) -> None:
    conversation = Conversation(messages=(Message(role=Role.USER, content=query),))
    references = [
        Reference(label=f"R{number}", model_id=f"m{number}", text=text)
        for number, text in enumerate(texts, 1)
    ]
    worst = conversation.tokens + INSTRUCTION_TOKENS
    worst += sum(estimate_tokens(text) + REFERENCE_OVERHEAD_TOKENS for text in texts)
    role = max(ROLES, key=len)
    for messages in (
        prompts.plain(conversation, role=role),
        prompts.proposer(conversation, references, NONCE),
        prompts.aggregator(conversation, references, NONCE, role=role),
        prompts.judge(conversation, references, NONCE, count=16),
        prompts.moderator(conversation, references, NONCE),
    ):
        assert prompt_tokens(messages) <= worst
