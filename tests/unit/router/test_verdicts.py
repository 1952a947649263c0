"""The verdicts in the replies of a judge and of a moderator."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.backends.call import ModelCall
from services.router.prompts.prompts import Reference
from services.router.strategies.verdicts import Question, is_over, kept_model_ids
from services.router.types.ledger import CallPurpose
from tests.unit.router.pool_models import model

NONCE = "0a0b0c0d"
LABELS = ("R1", "R2", "R3")


def question(reply: str) -> Question:
    """Returns a question about the answers R1, R2, R3 of the models m1, m2, m3, and its reply."""
    call = ModelCall(model=model(1_000), messages=(), purpose=CallPurpose.SELECTION, layer_number=1)
    call.add_text(reply)
    references = tuple(Reference(label=label, model_id=f"m{label[1]}", text="") for label in LABELS)
    return Question(call=call, nonce=NONCE, references=references)


def kept(reply: str) -> tuple[str, ...]:
    return kept_model_ids(question(reply))


def test_answers_are_kept_in_the_judges_order_each_once() -> None:
    assert kept(f'R3 it is.\n@@selection {NONCE} {{"keep": ["R3", "R1", "R3"]}}') == ("m3", "m1")


@pytest.mark.parametrize(
    "reply",
    [
        "",
        '{"keep": ["R1"]}',
        '@@selection 99999999 {"keep": ["R1"]}',
        f'@@moderation {NONCE} {{"keep": ["R1"]}}',
        f"@@selection {NONCE} no object",
        f'@@selection {NONCE} ["R1"]',
        f'@@selection {NONCE} {{"keep": "R1"}}',
        f'@@selection {NONCE} {{"keep": [1, ["R1"], "R9"]}}',
        f"@@selection {NONCE} " + "[" * 100_000,
    ],
)
def test_a_reply_that_names_none_of_the_answers_keeps_none(reply: str) -> None:
    assert kept(reply) == ()


def test_a_label_that_no_answer_has_is_left_out() -> None:
    assert kept(f'@@selection {NONCE} {{"keep": ["R7", "R2"]}}') == ("m2",)


def test_the_last_mark_counts_and_what_follows_its_object_does_not() -> None:
    first, last = (f'@@selection {NONCE} {{"keep": ["{label}"]}}' for label in ("R1", "R2"))
    assert kept(f"{first}\nNo, rather:\n{last} and that is all") == ("m2",)


def over(reply: str) -> bool:
    return is_over(question(reply))


def test_a_debate_ends_only_where_the_moderator_says_so() -> None:
    assert over(f'They agree.\n@@moderation {NONCE} {{"over": true}}')
    assert not over(f'@@moderation {NONCE} {{"over": false}}')
    assert not over(f'@@moderation {NONCE} {{"over": 1}}')
    assert not over(f'@@moderation {NONCE} {{"over": "true"}}')
    assert not over('{"over": true}')


@given(st.text(), st.sampled_from(["selection", "moderation"]))
def test_no_reply_is_too_odd_to_be_read(text: str, mark: str) -> None:
    asked = question(f"@@{mark} {NONCE} {text}")
    assert set(kept_model_ids(asked)) <= {"m1", "m2", "m3"}
    assert is_over(asked) in {True, False}


def test_a_verdict_is_read_as_it_is_without_white_space_at_its_ends() -> None:
    reply = question(f'  @@moderation {NONCE} {{"over": true}}\n').read()
    assert reply.text == f'@@moderation {NONCE} {{"over": true}}'
