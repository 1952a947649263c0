"""Answers with calls to tools, refusals, schemas and media leave whole records: valid by the schema,
replayed and converted."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from typer.testing import CliRunner

from routemoa.v1 import generation_pb2, model_pb2
from routemoa.v1 import router_service_pb2 as pb
from scorer.__main__ import app
from services.evaluation.decisions.replay_command import main as replay
from services.router.decision_records.config import RecordSettings
from services.simulator.call import Call, Reply, ToolCall
from tests.integration.decision_files import wait_for
from tests.integration.test_router_tools import ANN, HALF, PERSON, ULM, WEATHER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.decision_records.record import DecisionRecord
    from tests.integration.conftest import StartRouter

SCHEMA = jsonschema_rs.validator_for(
    json.loads((Path(__file__).parents[2] / "docs/decision-records.schema.json").read_text("utf-8"))
)
SCORES = {"a": 0.7, "b": 0.65, "c": 0.6}
QUERY = "How warm is it in Ulm?"
PIXEL = b"\x89PNG secret pixels"
ABLE = ["tools", "parallel_tools", "json_schema", "images", "reasoning"]
ROME = Reply(text="", tool_calls=(ToolCall(name="weather", arguments='{"city": "Rome"}'),))
NO = Reply(text="", refusal="I cannot help with that.")


class Recording:
    """A router that writes records, and what becomes of them."""

    def __init__(self, start_router: StartRouter, folder: Path) -> None:
        self._start, self.folder = start_router, folder

    async def of(
        self,
        replies: Mapping[str, Reply | str],
        options: generation_pb2.GenerationOptions | None = None,
        *,
        messages: list[model_pb2.Message] | None = None,
        keep_text: bool = False,
    ) -> DecisionRecord:
        """Returns the record of one answer; each model has one reply."""

        def script(call: Call) -> Reply | str:
            reply = replies[call.model]
            return call.assessed(reply, self_score=0.8) if isinstance(reply, str) else reply

        records = RecordSettings(sink="files", dir=self.folder, keep_text=keep_text)
        able = {name: {"capabilities": ABLE} for name in replies}
        scores = {name: SCORES[name] for name in replies}
        router = await self._start(
            dict.fromkeys(replies, script), scores, models=able, records=records
        )
        asked = [model_pb2.Message(role=model_pb2.ROLE_USER, content=QUERY)]
        request = pb.GenerateAnswerRequest(messages=messages or asked, options=options)
        await router.stub.GenerateAnswer(request, timeout=60)
        (record,) = await wait_for(self.folder, 1)
        return record

    def closed(self) -> Path:
        """Returns a folder with the records in a whole file, as a router leaves it that ends."""
        (file,) = self.folder.iterdir()
        data = file.read_bytes()
        for line in data.splitlines():
            SCHEMA.validate(json.loads(line))
        closed = self.folder.parent / "closed"
        closed.mkdir()
        (closed / "decisions.jsonl.gz").write_bytes(gzip.compress(data))
        return closed


@pytest.fixture
def recording(start_router: StartRouter, tmp_path: Path) -> Recording:
    folder = tmp_path / "records"
    folder.mkdir()
    return Recording(start_router, folder)


def replayed(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    capsys.readouterr()
    assert replay(["--records", str(folder), "--json", *options]) == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def converted(folder: Path) -> tuple[int, str]:
    output = folder.parent / "traffic.jsonl"
    arguments = ["convert", str(folder), "--from", "decisions", "--output", str(output)]
    ended = CliRunner().invoke(app, arguments)
    return ended.exit_code, ended.output


async def test_calls_to_tools_are_counted_compared_and_kept_only_on_request(
    recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    record = await recording.of({"a": ULM, "b": ROME, "c": ULM}, WEATHER)
    assert "Rome" not in record.model_dump_json()
    assert "weather" not in record.model_dump_json()
    assert record.query.needs == ("TOOLS",)
    assert (record.options.tool_count, record.options.tool_names) == (1, None)
    for answer in record.layers[0].answers:  # a vote may be settled before the last one is there
        assert answer.agrees == (answer.model_id != "b")
        (call,) = answer.tool_calls
        assert (call.name, call.arguments_json) == (None, None)
        assert call.character_count == len('{"city": "Rome"}') - answer.agrees
    assert (record.final_finish_reason, len(record.final_tool_calls)) == ("TOOL_CALLS", 1)
    folder = recording.closed()
    assert replayed(folder, capsys, "--strategy", "single")["summary"]
    assert "without the query's text" in converted(folder)[1]


async def test_kept_texts_hold_the_calls_and_what_was_wrong_with_them(
    recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    record = await recording.of({"a": HALF, "b": ULM}, WEATHER, keep_text=True)
    assert record.options.tool_names == ("weather",)
    assert [(call.name, call.arguments_json) for call in record.final_tool_calls] == [
        ("weather", '{"city": "Ulm"}')
    ]
    (invalid,) = record.invalid_answers
    assert (invalid.model_id, invalid.problem_count) == ("a", 1)
    assert invalid.problems
    assert {entry.status for entry in record.attempts if entry.model_id == "a"} == {"MALFORMED"}
    folder = recording.closed()
    assert replayed(folder, capsys)["summary"]
    assert "without an assessed answer" in converted(folder)[1]


async def test_a_refusal_is_no_empty_answer(
    recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    record = await recording.of({"a": NO}, keep_text=True)
    assert record.final_refused
    assert (record.final_refusal, record.final_text) == ("I cannot help with that.", "")
    assert record.final_finish_reason == "REFUSAL"
    assert replayed(recording.closed(), capsys)["summary"]


async def test_a_schema_is_told_and_kept_only_on_request(
    recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    record = await recording.of({"a": ANN, "b": '{"name": "Bob"}', "c": "words"}, PERSON)
    assert (record.options.json_format, record.options.json_schema) == ("SCHEMA", None)
    assert "Ann" not in record.model_dump_json()
    assert replayed(recording.closed(), capsys)["summary"]


async def test_media_are_told_by_kind_and_size_and_never_kept(
    recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    image = model_pb2.Media(media_type="image/png", data=PIXEL)
    url = model_pb2.Media(url="https://example.com/secret.png")
    parts = [
        model_pb2.MessagePart(text=QUERY),
        model_pb2.MessagePart(image=image),
        model_pb2.MessagePart(image=url),
    ]
    message = model_pb2.Message(role=model_pb2.ROLE_USER, parts=model_pb2.MessageParts(parts=parts))
    record = await recording.of(
        {"a": "Seven degrees.", "b": "Eight degrees."}, messages=[message], keep_text=True
    )
    assert [(m.kind, m.media_type, m.byte_count) for m in record.query.media] == [
        ("IMAGE", "image/png", len(PIXEL)),
        ("IMAGE", "", None),
    ]
    assert record.query.needs == ("IMAGES",)
    assert "secret" not in record.model_dump_json()
    folder = recording.closed()
    assert replayed(folder, capsys)["summary"]
    code, said = converted(folder)
    assert code == 0, said
    (line,) = (folder.parent / "traffic.jsonl").read_text().splitlines()
    assert json.loads(line)["query"] == QUERY
    assert json.loads(line)["scores"].keys() == {"a", "b"}


async def test_a_conversation_stays_with_its_model_in_a_replay(
    recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    messages = [
        model_pb2.Message(role=model_pb2.ROLE_USER, content=QUERY),
        model_pb2.Message(
            role=model_pb2.ROLE_ASSISTANT,
            tool_calls=[
                model_pb2.ToolCall(
                    tool_call_id="1", name="weather", arguments_json='{"city": "Ulm"}'
                )
            ],
        ),
        model_pb2.Message(role=model_pb2.ROLE_TOOL, tool_call_id="1", content="7"),
    ]
    record = await recording.of({"a": "Seven."}, WEATHER, messages=messages)
    assert record.query.answers_tool
    assert replayed(recording.closed(), capsys)["summary"]
