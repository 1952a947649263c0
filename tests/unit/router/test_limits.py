from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.router.prompts import prompts
from services.router.prompts.context_window import INSTRUCTION_TOKENS, REFERENCE_OVERHEAD_TOKENS
from services.router.prompts.prompts import Reference
from services.router.routing.candidates import StopReason
from services.router.routing.selection import blocking_limit, fitting
from services.router.strategies.smoa import ROLES
from services.router.types.amounts import NOTHING, Amount, Caps
from services.router.types.conversation import Conversation, prompt_tokens
from services.router.types.messages import Message, Role
from services.router.types.tokens import estimate_tokens

NONCE = "01234567"
calls = st.lists(
    st.builds(Amount, st.just(1), st.integers(0, 1000), st.integers(0, 10**10)), max_size=8
)
any_caps = st.builds(
    Caps,
    calls=st.none() | st.integers(0, 6),
    tokens=st.none() | st.integers(0, 2000),
    nano_usd=st.none() | st.integers(0, 2 * 10**10),
)


@given(calls, any_caps)
def test_what_fits_keeps_every_limit_and_what_does_not_has_a_reason(
    worst_cases: list[Amount], left: Caps
) -> None:
    kept, reason = fitting(worst_cases, left)
    taken = sum((worst_cases[number] for number in kept), NOTHING)
    for cap, part in zip(left.parts(), taken.parts(), strict=True):
        assert cap is None or part <= cap
    assert list(kept) == sorted(set(kept))
    if worst_cases and not kept:
        assert blocking_limit(left, worst_cases[0]) is reason is not StopReason.NO_MODEL


def test_a_call_that_does_not_fit_is_left_out_and_a_smaller_one_after_it_still_fits() -> None:
    left = Caps(tokens=100, nano_usd=50)
    long, small, dear = Amount(1, 101, 0), Amount(1, 60, 20), Amount(1, 0, 31)
    assert fitting([long, small, dear], left) == ((1,), StopReason.TOKEN_LIMIT)
    assert fitting([dear, small, long], left) == ((0,), StopReason.COST_LIMIT)
    assert fitting([small, dear], left) == ((0,), StopReason.COST_LIMIT)
    assert fitting([small], left) == ((0,), StopReason.NO_MODEL)


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
