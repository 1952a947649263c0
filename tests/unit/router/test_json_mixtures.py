"""Whole answers in JSON, by every strategy: what leaves keeps to the schema; no more is shown."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routemoa.errors import AnswerTimedOutError, GenerationFailedError, NoValidAnswerError
from services.router.routing.events import Dependency, Reset
from services.router.strategies.registry import STRATEGIES
from services.router.types.json_schema import compile_schema
from services.router.types.ledger import CallPurpose, CallStatus
from services.router.types.options import GenerationOptions, JsonFormat
from services.router.types.pieces import (
    LogProbabilitiesPiece,
    ReasoningPiece,
    RefusalPiece,
    TokenLogProbability,
)
from tests.unit.router.mixture import PERSON, TOOLS, ask, in_turn, says, ulm
from tests.virtual_time import virtually

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.backends.call import ModelCall
    from tests.unit.router.mixture import Said

ANN, BOB, EVE = ('{"name": "Ann", "age": 3}', '{"name": "Bob", "age": 4}', '{"name":"Eve","age":5}')
HALF = '{"name": "Ann", "ag'
every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)


@every_strategy
@virtually
async def test_an_answer_that_breaks_the_schema_is_an_error_of_its_model(strategy: str) -> None:
    told = await ask(strategy, PERSON, {"a": says("{", '"name": "Ann"}'), "b": says(ANN)})
    assert told.streamed == (ANN, [], "")
    assert told.answer.text == ANN
    assert told.statuses["a"] is CallStatus.MALFORMED
    assert all(call.options == PERSON for call in told.made if call.purpose is CallPurpose.ANSWER)


@every_strategy
@virtually
async def test_what_leaves_is_bare_json(strategy: str) -> None:
    fenced = says("Sure:\n```json\n", ANN, "\n```")
    told = await ask(strategy, PERSON, dict.fromkeys("abc", fenced))
    assert told.streamed == (ANN, [], "")
    assert told.answer.text == ANN


@virtually
async def test_log_probabilities_are_those_of_the_text_that_leaves() -> None:
    tokens = (TokenLogProbability(token="x", log_probability=-1.0),)
    said: list[Said] = [LogProbabilitiesPiece(tokens=tokens), ANN]
    told = await ask("single", PERSON, {"a": says(*said)})
    assert told.answer.log_probabilities == told.deltas[0].log_probabilities == tokens
    told = await ask("single", PERSON, {"a": says(*said[:1], f"```\n{ANN}\n```")})
    assert told.answer.log_probabilities == told.deltas[0].log_probabilities == ()


@virtually
async def test_nothing_is_shown_before_it_is_valid() -> None:
    told = await ask("single", PERSON, {"a": says(ANN[:9], 3.0, ANN[9:]), "b": says(BOB)})
    assert told.first_delta_s == pytest.approx(3.0)
    assert told.streamed[0] == ANN
    told = await ask("single", PERSON, {"a": says(HALF), "b": says(BOB)})
    assert told.streamed[0] == BOB
    assert not any(isinstance(event, Reset) for _, event in told.events)


@virtually
async def test_a_model_that_writes_unseen_is_not_taken_for_a_silent_one() -> None:
    slow: list[Said] = [part for piece in ANN for part in (0.5, piece)]
    told = await ask("single", PERSON, {"a": says(*slow), "b": says(BOB)}, deadline_s=20.0)
    assert (told.asked, told.answer.text) == (["a"], ANN)


@pytest.mark.parametrize("strategy", ["layers", "moa"])
@virtually
async def test_the_aggregator_is_asked_for_json_and_gives_it(strategy: str) -> None:
    def first(call: ModelCall) -> Sequence[Said]:
        return (EVE,) if call.purpose is CallPurpose.AGGREGATION else (ANN,)

    told = await ask(strategy, PERSON, {"a": first, "b": says(BOB)})
    assert told.streamed == (EVE, [], "")
    assert told.made[-1].options == PERSON


@pytest.mark.parametrize("strategy", ["layers", "moa"])
@virtually
async def test_an_aggregator_that_breaks_the_schema_leaves_it_to_the_best_answer(
    strategy: str,
) -> None:
    def breaks(text: str, call: ModelCall) -> Sequence[Said]:
        return (HALF,) if call.purpose is CallPurpose.AGGREGATION else (text,)

    speakers = {"a": lambda call: breaks(ANN, call), "b": lambda call: breaks(BOB, call)}
    told = await ask(strategy, PERSON, speakers)
    assert told.streamed == (ANN, [], "")
    assert told.result.fallbacks[-1].dependency is Dependency.AGGREGATOR
    assert not any(isinstance(event, Reset) for _, event in told.events)


@pytest.mark.parametrize("strategy", ["routemoa", "layers", "cascade"])
@virtually
async def test_nobody_is_asked_to_grade_where_the_reply_is_json(strategy: str) -> None:
    told = await ask(strategy, PERSON, {"a": says(ANN), "b": says(BOB), "c": says(ANN)})
    assert not any("self_score" in str(call.messages) for call in told.made)
    assert told.answer.text == ANN


@virtually
async def test_equal_values_end_a_layer_before_its_slowest_model() -> None:
    same = json.dumps({"age": 3.0, "name": "Ann"})
    speakers = {"a": says(1.0, ANN), "b": says(2.0, same), "c": says(60.0, BOB)}
    told = await ask("layers", PERSON, speakers)
    assert told.first_delta_s == pytest.approx(2.0, abs=0.01)
    assert told.answer.text == ANN


@every_strategy
@virtually
async def test_the_last_model_may_mend_its_answer_once(strategy: str) -> None:
    broken: list[Sequence[Said]] = [[HALF]] * (6 if strategy == "self-moa" else 1)
    told = await ask(strategy, PERSON, {"a": in_turn(*broken, [ANN])}, max_call_count=10)
    assert told.streamed == (ANN, [], "")
    assert told.made[-1].messages[-2].content == HALF


@every_strategy
@virtually
async def test_an_answer_that_stays_broken_ends_in_an_error_that_says_so(strategy: str) -> None:
    with pytest.raises(NoValidAnswerError) as caught:
        await ask(strategy, PERSON, {"a": says(HALF)})
    assert caught.value.metadata["model_ids"] == "a"
    assert "Ann" not in str(caught.value)


@virtually
async def test_nothing_is_mended_beyond_the_limit_on_calls() -> None:
    with pytest.raises(NoValidAnswerError):
        await ask("single", PERSON, {"a": in_turn([HALF], [ANN])}, max_call_count=1)


@virtually
async def test_a_refusal_needs_no_schema_and_reasoning_no_json() -> None:
    refusing = says(ReasoningPiece(text="Hm. "), RefusalPiece(text="I will not."))
    told = await ask("single", PERSON, {"a": refusing})
    assert told.answer.refusal == "I will not."
    assert (told.answer.reasoning, told.deltas[0].reasoning) == ("Hm. ", "Hm. ")
    told = await ask("moa", PERSON, {"a": says(ReasoningPiece(text="Hm. "), ANN), "b": says(ANN)})
    assert told.deltas[0].reasoning == told.answer.reasoning == "Hm. "


@virtually
async def test_reasoning_alone_is_no_answer() -> None:
    told = await ask("single", PERSON, {"a": says(ReasoningPiece(text="Hm.")), "b": says(ANN)})
    assert told.statuses["a"] is CallStatus.EMPTY
    assert told.answer.text == ANN


@virtually
async def test_a_call_beside_a_schema_may_come_with_any_words() -> None:
    both = replace(TOOLS, json_format=PERSON.json_format)
    told = await ask("single", both, {"a": says("Let me look.", *ulm())})
    assert told.streamed == ("Let me look.", [("weather", '{"city": "Ulm"}')], "")


@virtually
async def test_any_object_will_do_without_a_schema() -> None:
    options = GenerationOptions(json_format=JsonFormat())
    told = await ask("single", options, {"a": says("[1]"), "b": says('{"a": 1}')})
    assert told.answer.text == '{"a": 1}'


SAID = st.sampled_from([ANN, BOB, HALF, f"```\n{EVE}\n```", "{}", "no JSON", CallStatus.TIMEOUT])


@every_strategy
@given(speakers=st.dictionaries(st.sampled_from("abcd"), st.lists(SAID, min_size=1), min_size=1))
@settings(max_examples=40, deadline=None)
def test_whatever_models_say_what_leaves_is_valid(
    strategy: str, speakers: dict[str, list[Said]]
) -> None:
    assert PERSON.json_format is not None
    schema = compile_schema(PERSON.json_format.schema_json)

    @virtually
    async def answer() -> None:
        given = {name: in_turn(*([each] for each in said)) for name, said in speakers.items()}
        try:
            told = await ask(strategy, PERSON, given)
        except (NoValidAnswerError, GenerationFailedError, AnswerTimedOutError):
            return
        assert told.streamed == (told.answer.text, [], "")
        assert not schema.problems(json.loads(told.answer.text))

    answer()
