"""The requests to the models of a layer, and the answers in their replies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from services.router.engine.proposals import (
    LayerOutcome,
    aggregation_call,
    assessed_proposal,
    final_call,
    plain_proposal,
    shuffled_references,
)
from services.router.routing.events import Answer, LayerReport
from services.router.types.conversation import Conversation
from services.router.types.ledger import CallPurpose, CallStatus, FinishReason
from services.router.types.messages import Message, Role
from tests.unit.router.runs import ASKED, ENTRY, pool_model, run_of

if TYPE_CHECKING:
    from services.router.engine.run import Run

SCORES = {"a": 0.7, "b": 0.6}
ANSWERS = (Answer(model_id="a", text="Seven."), Answer(model_id="b", text="Eight."))
REPORT = LayerReport(
    layer_number=1,
    selected_model_ids=("a", "b"),
    answers=ANSWERS,
    assessments=(),
    usage=(),
    duration_s=1.0,
)
CHAT = Conversation(
    messages=(
        Message(role=Role.USER, content="One?"),
        Message(role=Role.ASSISTANT, content="Two."),
        Message(role=Role.USER, content="Three?"),
    ),
    cache_salt="of a tenant",
)


def first() -> Run:
    return run_of(SCORES, conversation=CHAT)


def second() -> Run:
    """Returns a run after its first layer."""
    return run_of(SCORES, answers=ANSWERS, reports=[REPORT])


def test_answers_of_others_follow_the_users_message_whatever_the_system_says_after_it() -> None:
    told = Message(role=Role.SYSTEM, content="One word.")
    late = Conversation(messages=(*CHAT.messages, told))
    run = run_of(SCORES, conversation=late, answers=ANSWERS, reports=[REPORT])
    _, *turns = final_call(run, run.pool.by_id["b"]).messages
    assert [turn.role for turn in turns] == [Role.USER, Role.ASSISTANT, Role.USER, Role.SYSTEM]
    assert turns[2].content.startswith("Three?\n\n@@references ")
    assert turns[3] == told


def test_a_call_belongs_to_the_next_layer_and_to_the_session_of_its_conversation() -> None:
    for run, number in ((first(), 1), (second(), 2)):
        model = run.pool.by_id["b"]
        for call in (
            assessed_proposal(run, model).call,
            plain_proposal(run, model).call,
            final_call(run, model),
        ):
            assert (call.model.id, call.layer_number) == ("b", number)
            assert call.purpose is CallPurpose.ANSWER
            assert call.session == run.conversation.session
            assert call.cache_salt == run.conversation.cache_salt


def test_an_assessed_model_is_asked_for_its_confidence_and_for_grades_of_what_it_reads() -> None:
    run = second()
    proposal = assessed_proposal(run, run.pool.by_id["b"])
    system, user = proposal.call.messages
    assert proposal.nonce in system.content
    assert "self_score" in system.content
    assert "grades" in system.content
    assert {reference.text for reference in proposal.references} == {"Seven.", "Eight."}
    assert all(text in user.content for text in ("Seven.", "Eight.", proposal.nonce))
    proposal.call.add_text(
        f'Nine.\n@@assessment {proposal.nonce} {{"self_score": 0.5, "grades": {{"R1": 0.25}}}}'
    )
    reply = proposal.read()
    assert (reply.text, reply.self_score) == ("Nine.", 0.5)
    assert reply.grades == {proposal.references[0].model_id: 0.25}


def test_a_plain_model_reads_the_conversation_alone_in_the_first_layer() -> None:
    run = first()
    proposal = plain_proposal(run, run.pool.by_id["a"])
    assert proposal.call.messages == CHAT.messages
    assert proposal.references == ()
    role = plain_proposal(run, run.pool.by_id["a"], role="You are a critic.")
    assert role.call.messages[0] == Message(role=Role.SYSTEM, content="You are a critic.")


def test_a_plain_model_improves_on_the_answers_so_far() -> None:
    run = second()
    system, user = plain_proposal(run, run.pool.by_id["a"], role="You are a critic.").call.messages
    assert system.content.startswith("You are a critic.")
    assert "the one best answer" in system.content
    assert "Eight." in user.content


def test_a_plain_reply_loses_the_marks_of_its_own_call_and_no_word_of_the_protocol() -> None:
    run = second()
    proposal = plain_proposal(run, run.pool.by_id["a"])
    proposal.call.add_text("@@selection = 0\n@@end 00c0ffee R1\n@@assessment {}")
    assert proposal.read().text == proposal.call.text
    proposal.call.add_text(f"\n@@end {proposal.nonce} R1\nSeven.")
    assert proposal.read().text == "@@selection = 0\n@@end 00c0ffee R1\n@@assessment {}"


def test_a_call_whose_text_streams_knows_the_nonce_of_the_marks_in_its_prompt() -> None:
    run = second()
    model = run.pool.by_id["a"]
    for call in (final_call(run, model), aggregation_call(run, model, ANSWERS, layer_number=1)):
        assert f"@@end {call.nonce} R2" in call.messages[-1].content
    assert final_call(first(), model).nonce == ""


def test_the_final_call_has_no_protocol_and_reads_the_answers_best_first() -> None:
    run = first()
    assert final_call(run, run.pool.by_id["a"]).messages == CHAT.messages
    run = second()
    prompt = final_call(run, run.pool.by_id["a"]).messages
    assert "self_score" not in prompt[0].content
    assert prompt[1].content.index("R1\nSeven.") < prompt[1].content.index("R2\nEight.")


def test_models_that_answer_on_their_own_read_no_answers() -> None:
    run = second()
    run.independent = True
    model = run.pool.by_id["a"]
    assert assessed_proposal(run, model).references == ()
    assert plain_proposal(run, model).call.messages == ASKED.messages
    assert final_call(run, model).messages == ASKED.messages


def test_an_aggregation_merges_the_answers_in_their_order() -> None:
    run = first()
    call = aggregation_call(run, run.pool.by_id["a"], ANSWERS[::-1], layer_number=3)
    assert (call.purpose, call.layer_number) == (CallPurpose.AGGREGATION, 3)
    assert call.session == CHAT.session is not None
    assert call.cache_salt == "of a tenant"
    text = call.messages[-1].content
    assert text.index("R1\nEight.") < text.index("R2\nSeven.")


def test_references_are_shuffled_by_the_nonce_so_that_none_always_comes_first() -> None:
    run = second()
    model = run.pool.by_id["a"]

    def order(nonce: str) -> tuple[str, ...]:
        return tuple(reference.model_id for reference in shuffled_references(run, model, nonce))

    nonces = [f"{number:08x}" for number in range(20)]
    assert {order(nonce) for nonce in nonces} == {("a", "b"), ("b", "a")}
    assert all(order(nonce) == order(nonce) for nonce in nonces)
    labels = [reference.label for reference in shuffled_references(run, model, "00000000")]
    assert labels == ["R1", "R2"]


def test_a_model_reads_only_the_answers_that_fit() -> None:
    long = (ANSWERS[0], Answer(model_id="b", text="many words " * 5_000))
    run = run_of(SCORES, answers=long, reports=[REPORT])
    small = pool_model("small", context_window_tokens=1_400)
    assert len(shuffled_references(run, small, "00000000")) == 1
    assert "R2" not in final_call(run, small).messages[-1].content
    assert "R2" not in aggregation_call(run, small, long, layer_number=1).messages[-1].content


def outcome(model_id: str, duration_s: float) -> LayerOutcome:
    return LayerOutcome(
        answers=(Answer(model_id=model_id, text=f"{model_id} says"),),
        entries=(replace(ENTRY, model_id=model_id, status=CallStatus.OK),),
        duration_s=duration_s,
    )


def test_further_calls_of_a_layer_add_their_time_and_entries_and_no_answers() -> None:
    both = outcome("a", 1.0).followed_by(outcome("judge", 0.5))
    assert [each.model_id for each in both.answers] == ["a"]
    assert [each.model_id for each in both.entries] == ["a", "judge"]
    assert both.duration_s == pytest.approx(1.5)


@pytest.mark.parametrize("reason", list(FinishReason))
def test_the_next_models_read_which_answers_were_cut_off(reason: FinishReason) -> None:
    ended = (replace(ANSWERS[0], finish_reason=reason), ANSWERS[1])
    run = run_of(SCORES, answers=ended, reports=[REPORT])
    model = run.pool.by_id["b"]
    for nonce in ("0a0b0c0d", "7f3a9c2e"):  # one of them turns the order round
        references = shuffled_references(run, model, nonce)
        assert {r.model_id: r.cut_off for r in references} == {"a": reason.is_cut_off, "b": False}
    merged = aggregation_call(run, model, ended, layer_number=1).messages[-1].content
    assert ("conclusion: R1." in merged) == reason.is_cut_off
