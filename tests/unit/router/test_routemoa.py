"""`routemoa`: the calls that are worth their price, and the likeliest answer as it is."""

from __future__ import annotations

from services.router.routing.candidates import StopReason
from services.router.types.ledger import CallPurpose
from services.router.types.options import NO_OPTIONS
from tests.unit.router.mixture import PERSON, TOOLS, ask, says, ulm
from tests.virtual_time import virtually


@virtually
async def test_models_see_the_query_alone_and_nothing_is_merged() -> None:
    speakers = {name: says(f"The answer is ({name.upper()})") for name in "abc"}
    told = await ask("routemoa", NO_OPTIONS, speakers)
    assert told.answer.text == "The answer is (A)"
    assert {call.purpose for call in told.made} == {CallPurpose.ANSWER}
    assert {len(call.messages) for call in told.made} == {1}


@virtually
async def test_an_answer_that_cannot_be_compared_is_final() -> None:
    speakers = {name: says(f"Once upon a time there was {name}.") for name in "abc"}
    told = await ask("routemoa", NO_OPTIONS, speakers)
    assert told.answer.text == "Once upon a time there was a."
    assert len(told.asked) == 2  # two start together where calls cost nothing


@virtually
async def test_two_models_outvote_the_best_one() -> None:
    person = '{"name": "Ada", "age": 36}'
    speakers = {
        "a": says('{"name": "Ada", "age": 35}'),
        "b": says(person),
        "c": says(person),
    }
    told = await ask("routemoa", PERSON, speakers, scores=dict.fromkeys("abc", 0.6))
    assert set(told.asked) == set("abc")
    assert told.answer.text == person
    assert told.result.stop_reason is StopReason.NO_MODEL


@virtually
async def test_a_model_that_fails_is_replaced() -> None:
    speakers = {"a": says(), "b": says("The answer is (B)"), "c": says("The answer is (B)")}
    told = await ask("routemoa", NO_OPTIONS, speakers)
    assert told.answer.text == "The answer is (B)"


@virtually
async def test_calls_to_tools_are_compared_and_the_best_model_is_followed() -> None:
    speakers = {"a": says(*ulm()), "b": says(*ulm()), "c": says("18 degrees.")}
    told = await ask("routemoa", TOOLS, speakers, scores=dict.fromkeys("abc", 0.6))
    assert told.called == [("weather", '{"city": "Ulm"}')]
    assert told.asked[:2] == ["a", "b"]
