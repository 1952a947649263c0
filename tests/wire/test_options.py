"""What each dialect sends for the caller's options, media, tools and their results."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.router.pool.backend import Backend
from services.router.types.ledger import CallStatus
from services.router.types.messages import Media, MediaKind, Message, Role, ToolCall
from services.router.types.options import (
    GenerationOptions,
    JsonFormat,
    ReasoningEffort,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from tests.wire.attempt import QUESTION, attempt, pool_model
from tests.wire.playback import Response, playing

CHAT_BACKENDS = ["openai", "vllm", "sglang", "tgi", "llama.cpp", "openrouter"]
SCHEMA = {"type": "object", "properties": {"animal": {"type": "string"}}}
COUNT = Tool(name="count_legs", description="Counts.", parameters_json=json.dumps(SCHEMA))
TOOLS = (COUNT, Tool(name="fly", strict=True))
SENT_COUNT = {
    "type": "function",
    "function": {"name": "count_legs", "description": "Counts.", "parameters": SCHEMA},
}
SENT_FLY = {
    "type": "function",
    "function": {"name": "fly", "parameters": {"type": "object", "properties": {}}, "strict": True},
}
PNG = Media(kind=MediaKind.IMAGE, data=b"\x89PNG", media_type="image/png", detail="low")
LINK = Media(kind=MediaKind.IMAGE, url="https://example.org/a.png")
CALL = ToolCall(id="call_0a1b2c3d", name="count_legs", arguments_json='{"animal":"spider"}')


async def payload(
    backend: str,
    *,
    messages: tuple[Message, ...] = QUESTION,
    settings: dict[str, Any] | None = None,
    **options: Any,
) -> dict[str, Any]:
    async with playing(Response(body=b"")) as playback:
        model = pool_model(f"{playback.url}/v1", backend, **(settings or {}))
        await attempt(model, messages=messages, options=GenerationOptions(**options))
    sent: dict[str, Any] = playback.payload
    return sent


def fields(sent: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: sent[name] for name in names if name in sent}


@pytest.mark.parametrize("backend", CHAT_BACKENDS)
async def test_sampling_options_have_openais_names(backend: str) -> None:
    options: dict[str, Any] = {
        "temperature": 0.0,
        "top_p": 0.5,
        "seed": 7,
        "frequency_penalty": 1.0,
    }
    sent = await payload(backend, settings={"temperature": 0.7}, presence_penalty=-1.0, **options)
    assert fields(sent, *options, "presence_penalty") == {**options, "presence_penalty": -1.0}


@pytest.mark.parametrize("backend", list(Backend))
async def test_the_smaller_limit_of_tokens_counts(backend: Backend) -> None:
    for wanted, expected in ((40, 40), (4000, 256)):
        sent = await payload(backend, max_output_tokens=wanted)
        for holder, name in (("options", "num_predict"), ("parameters", "max_new_tokens")):
            sent = sent.get(holder, sent)
            sent["max_tokens"] = sent.get(name, sent.get("max_tokens"))
        assert sent["max_tokens"] == expected


async def test_a_model_of_fixed_temperature_gets_no_sampling_that_it_refuses() -> None:
    sent = await payload(
        "openai",
        settings={"family": "openai-reasoning"},
        temperature=0.5,
        top_p=0.5,
        frequency_penalty=1.0,
        seed=7,
        stop_sequences=("a",),
        reasoning_effort=ReasoningEffort.MINIMAL,
    )
    assert sent["seed"] == 7
    assert sent["reasoning_effort"] == "minimal"
    assert not sent.keys() & {"temperature", "top_p", "frequency_penalty", "stop"}


async def test_mistrals_own_api_gets_its_own_names() -> None:
    sent = await payload("openai", settings={"family": "mistral-api"}, seed=7, end_user="u")
    assert sent["random_seed"] == 7
    assert not sent.keys() & {"seed", "user"}


EFFORTS: list[tuple[str, ReasoningEffort, dict[str, Any]]] = [
    ("openai", ReasoningEffort.NONE, {"reasoning_effort": "none"}),
    ("vllm", ReasoningEffort.NONE, {"chat_template_kwargs": {"enable_thinking": False}}),
    ("sglang", ReasoningEffort.HIGH, {"reasoning_effort": "high"}),
    ("vllm", ReasoningEffort.MINIMAL, {"reasoning_effort": "low"}),
    ("llama.cpp", ReasoningEffort.NONE, {"chat_template_kwargs": {"enable_thinking": False}}),
    ("llama.cpp", ReasoningEffort.HIGH, {"chat_template_kwargs": {"reasoning_effort": "high"}}),
    ("openrouter", ReasoningEffort.HIGH, {"reasoning": {"effort": "high"}}),
    ("ollama", ReasoningEffort.NONE, {"think": False}),
    ("ollama", ReasoningEffort.HIGH, {"think": True}),
    ("tgi", ReasoningEffort.HIGH, {}),
    ("tgi-native", ReasoningEffort.HIGH, {}),
]
EFFORT_FIELDS = ("reasoning_effort", "chat_template_kwargs", "reasoning", "think")


@pytest.mark.parametrize(("backend", "effort", "expected"), EFFORTS)
async def test_the_effort_of_reasoning_is_in_each_backends_word(
    backend: str, effort: ReasoningEffort, expected: dict[str, Any]
) -> None:
    assert fields(await payload(backend, reasoning_effort=effort), *EFFORT_FIELDS) == expected


async def test_gpt_oss_on_ollama_is_told_how_much_to_reason() -> None:
    settings = {"backend_model": "gpt-oss:20b"}
    sent = await payload("ollama", settings=settings, reasoning_effort=ReasoningEffort.MINIMAL)
    assert sent["think"] == "low"


NAMED = {"name": "legs", "schema": SCHEMA, "strict": True}
FORMATS: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    *(
        (
            backend,
            "response_format",
            {"type": "json_object"},
            {"type": "json_schema", "json_schema": NAMED},
        )
        for backend in ("openai", "vllm", "sglang", "llama.cpp", "openrouter")
    ),
    (
        "tgi",
        "response_format",
        {"type": "json", "value": {"type": "object"}},
        {"type": "json", "value": SCHEMA},
    ),
]


@pytest.mark.parametrize(("backend", "field", "of_object", "of_schema"), FORMATS)
async def test_json_is_asked_for_in_each_backends_form(
    backend: str, field: str, of_object: dict[str, Any], of_schema: dict[str, Any]
) -> None:
    form = JsonFormat(schema_json=json.dumps(SCHEMA), name="legs", strict=True)
    assert (await payload(backend, json_format=JsonFormat()))[field] == of_object
    assert (await payload(backend, json_format=form))[field] == of_schema


async def test_ollama_and_tgis_own_api_are_held_to_json() -> None:
    form = JsonFormat(schema_json=json.dumps(SCHEMA))
    assert (await payload("ollama", json_format=JsonFormat()))["format"] == "json"
    assert (await payload("ollama", json_format=form))["format"] == SCHEMA
    sent = await payload("tgi-native", json_format=form)
    assert sent["parameters"]["grammar"] == {"type": "json", "value": SCHEMA}


async def test_tgi_gets_no_grammar_beside_tools_and_no_word_for_parallel_calls() -> None:
    sent = await payload("tgi", json_format=JsonFormat(), tools=TOOLS, parallel_tool_calls=False)
    assert sent["tools"] == [SENT_COUNT, SENT_FLY]
    assert not sent.keys() & {"response_format", "parallel_tool_calls"}


NAMED_CHOICE = {"type": "function", "function": {"name": "fly"}}
CHOICES: list[tuple[str, ToolChoice, dict[str, Any]]] = [
    ("openai", ToolChoice(), {"tools": [SENT_COUNT, SENT_FLY], "tool_choice": "auto"}),
    (
        "vllm",
        ToolChoice(mode=ToolChoiceMode.REQUIRED),
        {"tools": [SENT_COUNT, SENT_FLY], "tool_choice": "required"},
    ),
    (
        "openrouter",
        ToolChoice(mode=ToolChoiceMode.TOOL, tool_name="fly"),
        {"tools": [SENT_COUNT, SENT_FLY], "tool_choice": NAMED_CHOICE},
    ),
    (
        "llama.cpp",
        ToolChoice(mode=ToolChoiceMode.TOOL, tool_name="fly"),
        {"tools": [SENT_FLY], "tool_choice": "required"},
    ),
    ("ollama", ToolChoice(mode=ToolChoiceMode.TOOL, tool_name="fly"), {"tools": [SENT_FLY]}),
    ("ollama", ToolChoice(mode=ToolChoiceMode.NONE), {}),
    ("tgi-native", ToolChoice(), {}),
]


@pytest.mark.parametrize(("backend", "choice", "expected"), CHOICES)
async def test_tools_and_their_choice_are_in_each_backends_form(
    backend: str, choice: ToolChoice, expected: dict[str, Any]
) -> None:
    sent = await payload(backend, tools=TOOLS, tool_choice=choice)
    assert fields(sent, "tools", "tool_choice") == expected


@pytest.mark.parametrize("backend", [*CHAT_BACKENDS, "ollama"])
async def test_log_probabilities_are_asked_for(backend: str) -> None:
    names = ("logprobs", "top_logprobs")
    assert fields(await payload(backend), *names) == {}
    sent = await payload(backend, top_log_probabilities=3)
    assert fields(sent, *names) == {"logprobs": True, "top_logprobs": 3}
    assert fields(await payload(backend, top_log_probabilities=0), *names) == {"logprobs": True}


async def test_the_end_user_is_named_to_chat_backends() -> None:
    assert (await payload("openai", end_user="u-7"))["user"] == "u-7"
    assert "user" not in await payload("openai")
    assert "u-7" not in str(await payload("ollama", end_user="u-7"))


async def test_the_pool_files_fields_fill_up_what_the_caller_left_open() -> None:
    settings = {"request": {"extra_body": {"top_p": 0.9, "seed": 1}}}
    sent = await payload("vllm", settings=settings, top_p=0.5)
    assert fields(sent, "top_p", "seed") == {"top_p": 0.5, "seed": 1}


LOOK = (Message(role=Role.USER, content="Look:", parts=("Look:", PNG, LINK)),)


@pytest.mark.parametrize("backend", CHAT_BACKENDS)
async def test_images_are_sent_by_url_or_in_one(backend: str) -> None:
    (message,) = (await payload(backend, messages=LOOK))["messages"]
    data = {"url": "data:image/png;base64,iVBORw==", "detail": "low"}
    assert message["content"] == [
        {"type": "text", "text": "Look:"},
        {"type": "image_url", "image_url": data},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
    ]


async def test_audio_and_files_are_sent_to_chat_backends() -> None:
    media = (
        Media(kind=MediaKind.AUDIO, data=b"a", media_type="audio/mpeg"),
        Media(kind=MediaKind.AUDIO, data=b"a", media_type="audio/wav; codecs=1"),
        Media(kind=MediaKind.AUDIO, url="https://example.org/a.wav"),
        Media(kind=MediaKind.FILE, data=b"a", media_type="application/pdf", name="a.pdf"),
    )
    messages = (Message(role=Role.USER, parts=media),)
    (message,) = (await payload("openai", messages=messages))["messages"]
    file = {"filename": "a.pdf", "file_data": "data:application/pdf;base64,YQ=="}
    assert message["content"] == [
        {"type": "input_audio", "input_audio": {"data": "YQ==", "format": "mp3"}},
        {"type": "input_audio", "input_audio": {"data": "YQ==", "format": "wav"}},
        {"type": "audio_url", "audio_url": {"url": "https://example.org/a.wav"}},
        {"type": "file", "file": file},
    ]


async def test_ollama_gets_images_as_bytes() -> None:
    messages = (Message(role=Role.USER, content="Look:", parts=("Look:", PNG)),)
    (message,) = (await payload("ollama", messages=messages))["messages"]
    assert message == {"role": "user", "content": "Look:", "images": ["iVBORw=="]}


@pytest.mark.parametrize(("backend", "words"), [("ollama", "URL"), ("tgi-native", "image")])
async def test_a_medium_that_a_backend_has_no_form_for_fails_before_anything_is_sent(
    backend: str, words: str
) -> None:
    async with playing(Response(body=b"")) as playback:
        attempted = await attempt(pool_model(playback.url, backend), messages=LOOK)
    assert playback.payload is None
    assert attempted.failure is not None
    assert attempted.failure.status is CallStatus.REJECTED
    assert words in attempted.exchange.backend_message
    assert not attempted.exchange.sent


RESULT = Message(role=Role.TOOL, content="8", tool_call_id=CALL.id)
SECOND = ToolCall(id="call_2", name="fly", arguments_json="no json")
LOOP = (
    *QUESTION,
    Message(role=Role.ASSISTANT, tool_calls=(CALL, SECOND)),
    RESULT,
    Message(role=Role.TOOL, content="it flies", tool_call_id="call_2"),
    Message(role=Role.USER, content="And?"),
)


@pytest.mark.parametrize("backend", CHAT_BACKENDS)
@pytest.mark.parametrize("family", ["other", "gemma"])
async def test_calls_and_their_results_keep_their_places(backend: str, family: str) -> None:
    sent = await payload(backend, messages=LOOP, settings={"family": family})
    _, asked, *results, last = sent["messages"]
    function = {"name": "count_legs", "arguments": '{"animal":"spider"}'}
    assert asked["content"] is None
    assert asked["tool_calls"][0] == {"id": CALL.id, "type": "function", "function": function}
    assert [call["id"] for call in asked["tool_calls"]] == [CALL.id, "call_2"]
    assert results == [
        {"role": "tool", "content": "8", "tool_call_id": CALL.id},
        {"role": "tool", "content": "it flies", "tool_call_id": "call_2"},
    ]
    assert last == {"role": "user", "content": "And?"}


async def test_ollama_gets_arguments_as_objects_and_the_names_of_tools() -> None:
    _, asked, first, second, _ = (await payload("ollama", messages=LOOP))["messages"]
    assert [call["function"] for call in asked["tool_calls"]] == [
        {"name": "count_legs", "arguments": {"animal": "spider"}},
        {"name": "fly", "arguments": {}},
    ]
    assert (first["tool_name"], second["tool_name"]) == ("count_legs", "fly")


async def test_tgis_own_api_gets_calls_and_results_as_text() -> None:
    sent = await payload("tgi-native", messages=LOOP)
    assert (
        '\n\nAssistant: [count_legs({"animal":"spider"})]\n[fly(no json)]\n\nTool: 8\n\n'
        in (sent["inputs"])
    )


async def test_mistrals_models_get_ids_of_nine_letters_and_digits() -> None:
    sent = await payload("vllm", messages=LOOP, settings={"backend_model": "Mistral-Small-3.2"})
    _, asked, *results, _ = sent["messages"]
    ids = [call["id"] for call in asked["tool_calls"]]
    assert [result["tool_call_id"] for result in results] == ids
    assert all(len(id_) == 9 and id_.isalnum() for id_ in ids)
    assert len(set(ids)) == 2


STOPS = ("a", "b", "c", "d", " legs", "zz")


def reply_body(*texts: str) -> bytes:
    events: list[Any] = [{"choices": [{"delta": {"content": text}}]} for text in texts]
    events.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    return b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events)


@pytest.mark.parametrize(
    ("backend", "sent_count", "text"),
    [("openai", 4, "Eight"), ("tgi", 4, "Eight"), ("vllm", 6, "Eight legs.")],
)
async def test_stop_sequences_that_a_backend_does_not_take_are_cut_at_here(
    backend: str, sent_count: int, text: str
) -> None:
    async with playing(Response(body=reply_body("Eight l", "eg", "s."))) as playback:
        model = pool_model(f"{playback.url}/v1", backend)
        options = GenerationOptions(stop_sequences=STOPS)
        attempted = await attempt(model, options=options)
    assert playback.payload["stop"] == list(STOPS[:sent_count])
    assert attempted.shown == text
    assert attempted.failure is None


async def test_ollama_and_tgis_own_api_get_stop_sequences_among_their_options() -> None:
    assert (await payload("ollama", stop_sequences=STOPS))["options"]["stop"] == list(STOPS)
    sent = await payload("tgi-native", stop_sequences=STOPS)
    assert sent["parameters"]["stop"] == ["\n\nUser:", "a", "b", "c"]
