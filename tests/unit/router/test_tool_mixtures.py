"""Whole answers with tools, by every strategy: a vote decides, and no call leaves that nobody made."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routemoa.errors import AnswerTimedOutError, GenerationFailedError, NoValidAnswerError
from services.router.routing.candidates import StopReason
from services.router.routing.events import Dependency, Reset
from services.router.strategies.registry import STRATEGIES
from services.router.types.ledger import CallPurpose, CallStatus, FinishReason
from services.router.types.messages import Message, Role, ToolCall
from services.router.types.options import ToolChoice, ToolChoiceMode
from services.router.types.pieces import RefusalPiece
from tests.unit.router.mixture import TOOLS, ask, calls, in_turn, says, ulm
from tests.virtual_time import virtually

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.backends.call import ModelCall
    from tests.unit.router.mixture import Said

ULM = ("weather", '{"city": "Ulm"}')
every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)
mixtures = pytest.mark.parametrize("strategy", ["layers", "moa", "smoa"])
REQUIRED = replace(TOOLS, tool_choice=ToolChoice(mode=ToolChoiceMode.REQUIRED))
RESULT = (
    Message(role=Role.USER, content="How warm is it in Ulm?"),
    Message(
        role=Role.ASSISTANT,
        tool_calls=(ToolCall(id="call_1", name="weather", arguments_json='{"city": "Ulm"}'),),
    ),
    Message(role=Role.TOOL, content="18 °C", tool_call_id="call_1"),
)


@every_strategy
@virtually
async def test_the_calls_that_models_agree_on_are_the_answer(strategy: str) -> None:
    told = await ask(strategy, TOOLS, {name: says(1.0, *ulm()) for name in "abc"})
    assert told.called == [ULM]
    assert told.streamed == ("", [ULM], "")
    assert told.answer.finish_reason is FinishReason.TOOL_CALLS
    assert all(call.purpose is CallPurpose.ANSWER for call in told.made)
    assert all(call.options.tools == TOOLS.tools for call in told.made)


@mixtures
@virtually
async def test_two_models_outvote_the_best_one(strategy: str) -> None:
    speakers = {"a": says(*calls("clock")), "b": says(*ulm()), "c": says(*ulm(1))}
    told = await ask(strategy, TOOLS, speakers)
    assert told.called == [ULM]
    assert told.answer.model_id == "b"
    assert CallPurpose.AGGREGATION not in {call.purpose for call in told.made}


@mixtures
@virtually
async def test_words_are_a_vote_for_no_tool(strategy: str) -> None:
    words = "It is 18 degrees."
    speakers = {"a": says(*ulm()), "b": says(words), "c": says(words)}
    told = await ask(strategy, TOOLS, speakers)
    assert (told.answer.text, told.called) == (words, [])


@mixtures
@virtually
async def test_words_that_win_and_differ_are_merged_and_the_one_who_merges_calls_no_tool(
    strategy: str,
) -> None:
    def speaks(call: ModelCall) -> Sequence[Said]:
        return ("Both.",) if call.purpose is CallPurpose.AGGREGATION else (f"{call.model.id} says",)

    def calls_one(call: ModelCall) -> Sequence[Said]:
        return speaks(call) if call.purpose is CallPurpose.AGGREGATION else ulm()

    told = await ask(strategy, TOOLS, {"a": calls_one, "b": speaks, "c": speaks})
    assert told.answer.text == "Both."
    merges = [call for call in told.made if call.purpose is CallPurpose.AGGREGATION]
    assert [call.options.tool_choice for call in merges] == [ToolChoice(mode=ToolChoiceMode.NONE)]


@virtually
async def test_who_merges_words_and_calls_a_tool_nonetheless_is_not_heard() -> None:
    def speaks(call: ModelCall) -> Sequence[Said]:
        return ulm() if call.purpose is CallPurpose.AGGREGATION else (f"{call.model.id} says",)

    told = await ask("moa", TOOLS, {"a": speaks, "b": speaks, "c": speaks})
    assert (told.answer.text, told.called) == ("a says", [])
    assert told.result.fallbacks[0].dependency is Dependency.AGGREGATOR


@virtually
async def test_the_aggregator_settles_a_close_vote_and_the_proposals_are_its_references() -> None:
    def first(call: ModelCall) -> Sequence[Said]:
        return ulm(2) if call.purpose is CallPurpose.AGGREGATION else ulm(1)

    told = await ask("layers", TOOLS, {"a": first, "b": says(*ulm(2)), "c": says(*ulm(3))})
    assert told.called == [("weather", '{"city": "Ulm", "days": 2}')]
    asked = told.made[-1]
    assert asked.purpose is CallPurpose.AGGREGATION
    assert asked.options == TOOLS
    assert all(f'"days": {days}' in asked.messages[-1].content for days in (1, 2, 3))


@pytest.mark.parametrize("chosen", [ulm(4), [*ulm(1), *calls("clock", index=1)], ulm("x"), ["Hm."]])
@virtually
async def test_an_aggregator_that_chooses_what_nobody_proposed_leaves_it_to_the_vote(
    chosen: list[Said],
) -> None:
    def first(call: ModelCall) -> Sequence[Said]:
        return chosen if call.purpose is CallPurpose.AGGREGATION else ulm(1)

    told = await ask("layers", TOOLS, {"a": first, "b": says(*ulm(2)), "c": says(*ulm(3))})
    assert told.called == [("weather", '{"city": "Ulm", "days": 1}')]
    assert not any(isinstance(event, Reset) for _, event in told.events)
    assert told.result.fallbacks[0].dependency is Dependency.AGGREGATOR


@virtually
async def test_nobody_waits_long_for_an_aggregator_whose_choice_does_not_come() -> None:
    def first(call: ModelCall) -> Sequence[Said]:
        return (90.0, *ulm(2)) if call.purpose is CallPurpose.AGGREGATION else (3.0, *ulm(1))

    speakers = {"a": first, "b": says(3.0, *ulm(2)), "c": says(3.0, *ulm(3))}
    told = await ask("layers", TOOLS, speakers)
    assert told.called == [("weather", '{"city": "Ulm", "days": 1}')]
    assert told.first_delta_s == pytest.approx(9.0, abs=0.1)


@virtually
async def test_a_layer_ends_once_the_vote_is_settled() -> None:
    speakers = {"a": says(1.0, *ulm()), "b": says(2.0, *ulm()), "c": says(60.0, *ulm())}
    told = await ask("layers", TOOLS, speakers)
    assert told.first_delta_s == pytest.approx(2.0, abs=0.01)
    assert told.statuses["c"] is CallStatus.CANCELLED
    assert told.result.stop_reason is StopReason.AGREEMENT


@every_strategy
@pytest.mark.parametrize("wrong", [calls("stocks"), calls("weather", '{"city'), ulm(0)])
@virtually
async def test_a_call_that_is_not_valid_is_an_error_of_its_model(
    strategy: str, wrong: list[Said]
) -> None:
    told = await ask(strategy, TOOLS, {"a": says(*wrong), "b": says(*ulm()), "c": says(*ulm())})
    assert told.called == [ULM]
    assert told.streamed == ("", [ULM], "")
    assert told.statuses["a"] is CallStatus.MALFORMED


@every_strategy
@virtually
async def test_words_are_an_error_where_a_call_is_required(strategy: str) -> None:
    told = await ask(strategy, REQUIRED, {"a": says("Warm."), "b": says(*ulm()), "c": says(*ulm())})
    assert told.streamed == ("", [ULM], "")
    assert told.statuses["a"] is CallStatus.MALFORMED


@every_strategy
@virtually
async def test_without_a_valid_call_the_caller_gets_an_error_that_says_so(strategy: str) -> None:
    with pytest.raises(NoValidAnswerError) as caught:
        await ask(strategy, REQUIRED, {"a": says("Warm."), "b": says("Hot.")})
    assert {"a", "b"} >= set(caught.value.metadata["model_ids"].split(","))


@every_strategy
@virtually
async def test_a_mistake_is_mended_once_if_no_other_model_is_left(strategy: str) -> None:
    wrong = ulm(0)
    told = await ask(
        strategy,
        TOOLS,
        {"a": in_turn(*[wrong] * (6 if strategy == "self-moa" else 1), ulm(1))},
        max_call_count=10,
    )
    assert told.called == [("weather", '{"city": "Ulm", "days": 1}')]
    said, why = told.made[-1].messages[-2:]
    assert (said.role, why.role) == (Role.ASSISTANT, Role.USER)
    assert '"days": 0' in said.content
    assert "/days" in why.content


@virtually
async def test_nothing_is_mended_where_models_failed_for_other_reasons() -> None:
    with pytest.raises(GenerationFailedError):
        await ask("single", TOOLS, {"a": says(CallStatus.UNREACHABLE)})


@virtually
async def test_a_call_streams_as_it_comes() -> None:
    begun, rest = ulm()
    told = await ask("single", TOOLS, {"a": says("Let me look.", 1.0, begun, 5.0, rest)})
    assert told.streamed == ("Let me look.", [ULM], "")
    assert [at_s for at_s, event in told.events if getattr(event, "tool_calls", ())] == [1.0, 6.0]


@virtually
async def test_a_required_call_streams_as_it_comes_and_words_before_it_wait() -> None:
    begun, rest = ulm()
    told = await ask("single", REQUIRED, {"a": says("Let me look.", 1.0, begun, 5.0, rest)})
    assert told.first_delta_s == pytest.approx(1.0)
    assert told.streamed == ("Let me look.", [ULM], "")


@virtually
async def test_a_call_that_turns_out_wrong_is_voided_and_the_next_model_answers() -> None:
    begun, rest = ulm(0)
    told = await ask("single", TOOLS, {"a": says(begun, 1.0, rest), "b": says("18 degrees.")})
    assert [e.status for _, e in told.events if isinstance(e, Reset)] == [CallStatus.MALFORMED]
    assert told.streamed == ("18 degrees.", [], "")


@virtually
async def test_a_call_to_a_tool_that_does_not_exist_is_never_shown() -> None:
    told = await ask(
        "single", TOOLS, {"a": says(*calls("stocks"), 50.0, "Hm."), "b": says("18 degrees.")}
    )
    assert not any(isinstance(event, Reset) for _, event in told.events)
    assert told.first_delta_s == pytest.approx(0.0)  # nobody waits for its end


@virtually
async def test_a_call_without_arguments_leaves_with_an_empty_object() -> None:
    told = await ask("single", TOOLS, {"a": says(*calls("clock", ""))})
    assert told.called == [("clock", "{}")]
    assert told.streamed == ("", [("clock", "{}")], "")


@every_strategy
@virtually
async def test_a_refusal_is_an_answer(strategy: str) -> None:
    told = await ask(
        strategy, TOOLS, {name: says(RefusalPiece(text="I will not.")) for name in "ab"}
    )
    assert (told.answer.text, told.answer.refusal) == ("", "I will not.")
    assert told.streamed == ("", [], "I will not.")
    assert told.answer.finish_reason is FinishReason.REFUSAL


@every_strategy
@virtually
async def test_the_model_that_called_the_tool_goes_on_with_its_result(strategy: str) -> None:
    speakers = {name: says(f"{name} says") for name in "abc"}
    told = await ask(strategy, TOOLS, speakers, messages=RESULT, kept_model_id="c")
    assert (told.asked, told.answer.text) == (["c"], "c says")
    assert told.result.stop_reason is StopReason.COMPLETE
    assert told.made[0].messages == RESULT


@every_strategy
@virtually
async def test_the_others_go_on_if_that_model_fails(strategy: str) -> None:
    speakers = {"a": says("a says"), "b": says("b says"), "c": says(CallStatus.UNREACHABLE)}
    told = await ask(strategy, TOOLS, speakers, messages=RESULT, kept_model_id="c")
    assert told.asked[0] == "c"
    assert told.answer.text.endswith("says")


@mixtures
@virtually
async def test_a_model_is_kept_only_for_the_result_of_its_tool(strategy: str) -> None:
    speakers = {name: says("18 degrees.") for name in "abc"}
    for options in ({"kept_model_id": "c"}, {"messages": RESULT}, {"kept_model_id": "gone"}):
        told = await ask(strategy, TOOLS, speakers, **options)
        assert set(told.asked) == set("abc")


@virtually
async def test_references_follow_the_result_of_a_tool_in_a_message_of_their_own() -> None:
    speakers = {name: says(f"{name} says") for name in "abc"}
    told = await ask("moa", TOOLS, speakers, messages=RESULT)
    *_, result, references = told.made[-1].messages
    assert result == RESULT[-1]
    assert references.role is Role.USER
    assert "a says" in references.content


REPLIES = [ulm(1), ulm(2), calls("clock"), ["Warm."], ulm(0), calls("stocks"), [CallStatus.TIMEOUT]]
SAID = st.sampled_from(REPLIES)


@every_strategy
@given(speakers=st.dictionaries(st.sampled_from("abcd"), st.lists(SAID, min_size=1), min_size=1))
@settings(max_examples=40, deadline=None)
def test_no_call_leaves_that_no_model_made(
    strategy: str, speakers: dict[str, list[list[Said]]]
) -> None:
    made = [json.dumps({"city": "Ulm", "days": days}) for days in (1, 2)]
    valid: list[list[tuple[str, str]]] = [[], [("clock", "{}")], *([("weather", m)] for m in made)]

    @virtually
    async def answer() -> None:
        try:
            told = await ask(strategy, TOOLS, {m: in_turn(*said) for m, said in speakers.items()})
        except (NoValidAnswerError, GenerationFailedError, AnswerTimedOutError):
            return
        assert told.called in valid
        assert told.streamed == (told.answer.text, told.called, "")

    answer()
