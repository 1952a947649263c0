"""Replay of recorded answers: verbatim text, agreement as grades, no invented score."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from services.simulator.call import Call, NoAnswerError, Purpose, Reference
from services.simulator.recorded import (
    Grading,
    RecordedAnswers,
    RecordedQuery,
    RecordingError,
    load_recorded_queries,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NONCE = "0a1b2c3d"
RECORDING = RecordedQuery(
    responses={"a": '{"answer": "18"}', "b": "The answer is (C).", "silent": "I cannot say."},
    cost_usd={"a": 0.001},
)
SOURCE = RecordedAnswers({"How many?": RECORDING})


def call(
    model: str, purpose: Purpose, references: Sequence[str] = (), query: str = "How many?"
) -> Call:
    return Call(
        model=model,
        messages=(),
        query=query,
        references=tuple(
            Reference(label=f"R{number}", text=text) for number, text in enumerate(references, 1)
        ),
        purpose=purpose,
        nonce=NONCE if purpose is Purpose.PROPOSAL else None,
    )


def test_a_recorded_text_and_cost_are_replayed_as_they_are() -> None:
    reply = SOURCE.reply(call("a", Purpose.PROPOSAL))
    assert (reply.text, reply.cost_usd) == ('{"answer": "18"}', 0.001)
    assert SOURCE.reply(call("b", Purpose.PLAIN)).cost_usd is None


def test_worked_examples_that_a_question_leaves_out_are_read_by_every_model(tmp_path: Path) -> None:
    row = {"id": "1", "query": "Example. " * 10 + "How?", "question": "How?"}
    (tmp_path / "records.jsonl").write_text(json.dumps(row | {"responses": {"a": "so"}}))
    source = RecordedAnswers(load_recorded_queries(tmp_path / "records.jsonl"))
    assert source.reply(call("a", Purpose.PROPOSAL, ["so"], query="How?")).extra_prompt_tokens == 23


def test_white_space_around_the_query_does_not_matter() -> None:
    assert SOURCE.reply(call("a", Purpose.PLAIN, query="  How many?\n")).text


def test_a_reference_is_graded_by_agreement_and_no_self_score_is_made_up() -> None:
    references = ['{"answer": "$18.00"}', "The answer is (B).", "no idea"]
    reply = SOURCE.reply(call("a", Purpose.PROPOSAL, references))
    text, line = reply.text.rsplit("\n", 1)
    assert text == '{"answer": "18"}'
    assert json.loads(line.removeprefix(f"@@assessment {NONCE} ")) == {
        "grades": {"R1": 1.0, "R2": 0.0, "R3": 0.0}
    }
    assert reply.cost_usd is None


def test_a_model_whose_own_answer_has_no_key_grades_nobody() -> None:
    assert SOURCE.reply(call("silent", Purpose.PROPOSAL, ["C"])).text == "I cannot say."


def test_grading_can_be_left_out() -> None:
    source = RecordedAnswers({"How many?": RECORDING}, Grading.NONE)
    assert source.reply(call("a", Purpose.PROPOSAL, ["18"])).text == '{"answer": "18"}'


@pytest.mark.parametrize(
    ("references", "chosen"),
    [
        (["The answer is (A).", "B", "the answer is (B)"], 1),
        (["A", "B"], 0),
        (["no key", "none either"], 0),
        (["no key", "nor here", "C"], 2),
    ],
)
def test_an_aggregation_is_the_first_reference_with_the_commonest_answer(
    references: list[str], chosen: int
) -> None:
    reply = SOURCE.reply(call("b", Purpose.AGGREGATION, references))
    assert reply.text == references[chosen]
    assert reply.cost_usd is None


def test_a_judge_keeps_what_most_agree_with_and_a_moderator_ends_what_all_agree_on() -> None:
    asked = call("b", Purpose.SELECTION, ["The answer is (A).", "B", "the answer is (B)"])
    assert '{"keep": ["R2", "R3", "R1"]}' in SOURCE.reply(asked).text
    asked = call("b", Purpose.MODERATION, ["B", "the answer is (B)"])
    assert '{"over": true}' in SOURCE.reply(asked).text
    asked = call("b", Purpose.MODERATION, ["no key", "no key"])
    assert '{"over": false}' in SOURCE.reply(asked).text


@pytest.mark.parametrize(
    ("model", "query"), [("a", "How much?"), ("c", "How many?")], ids=["query", "model"]
)
def test_what_is_not_recorded_is_not_answered(model: str, query: str) -> None:
    with pytest.raises(NoAnswerError):
        SOURCE.reply(call(model, Purpose.PLAIN, query=query))


def test_records_and_responses_are_joined_by_id_and_found_by_question(tmp_path: Path) -> None:
    records, responses = tmp_path / "test.jsonl.gz", tmp_path / "responses.jsonl"
    rows = [
        {"id": "1", "query": "examples ... One?", "question": "One?", "cost_usd": {"a": 0.5}},
        {"id": "2", "query": "Two?", "responses": {"b": "own"}, "extra": 1},
        {"id": "3", "query": "Two?", "responses": {"b": "later"}},
    ]
    records.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    responses.write_text(json.dumps({"id": "1", "responses": {"a": "text"}}))
    queries = load_recorded_queries(records, responses)
    assert queries == {
        "One?": RecordedQuery(responses={"a": "text"}, cost_usd={"a": 0.5}, extra_prompt_tokens=4),
        "Two?": RecordedQuery(responses={"b": "own"}, cost_usd={}),
    }
    assert RecordedAnswers(queries).models == ["a", "b"]


def test_every_bad_line_is_named(tmp_path: Path) -> None:
    records = tmp_path / "test.jsonl"
    records.write_text('{"id": "1", "query": "q", "responses": {}}\n{"id": 2, "query": "q"}\nnope')
    with pytest.raises(RecordingError) as caught:
        load_recorded_queries(records)
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"{records}:2: id: ")
    assert second.startswith(f"{records}:3: ")


def test_records_without_any_response_are_refused(tmp_path: Path) -> None:
    records = tmp_path / "test.jsonl"
    records.write_text('{"id": "1", "query": "q"}')
    with pytest.raises(RecordingError, match="responses file missing"):
        load_recorded_queries(records)


def test_a_file_that_is_not_gzip_is_refused(tmp_path: Path) -> None:
    records = tmp_path / "test.jsonl.gz"
    records.write_text("{}")
    with pytest.raises(RecordingError, match="not a gzip file"):
        load_recorded_queries(records)
